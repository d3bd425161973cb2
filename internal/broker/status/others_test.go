package status_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// A lane that no worker runs is shown with what it holds, by a process that knows
// nothing of its handler.
func TestAbandonedLanesAreShown(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.Handlers = []string{"fcm", "stdout"} })
	r.Publish(t, 3)
	m := brokertest.PullOne(t, r.Lane.Fresh)
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), brokertest.RetryOf(m, time.Hour)); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "settled", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 1 })
	r.AwaitPending(t, "PUSH", "fcm", 2)
	r.AwaitPending(t, "PUSH", "stdout", 3)
	brokertest.Consume(t, r.JetStream, jetstream.ConsumerConfig{Durable: "audit", AckPolicy: jetstream.AckExplicitPolicy})
	mine := r.Topology
	mine.Handlers = []string{"stdout"}
	stats, err := status.NewReader(r.Broker.Connect(t)).Stats(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	if len(stats.Lanes) != 3 || stats.AbandonedDurables != 4 {
		t.Fatalf("%d abandoned durables of %+v, want fcm with 3 and audit with 1", stats.AbandonedDurables, stats.Lanes)
	}
	for i, want := range []status.LaneStats{{Handler: "stdout", Pending: 3}, {Handler: "audit", Pending: 3, Abandoned: true}, {Handler: "fcm", Pending: 2, RetriesWaiting: 1, Abandoned: true}} {
		if got := stats.Lanes[i]; got.Handler != want.Handler || got.Pending != want.Pending || got.RetriesWaiting != want.RetriesWaiting || got.Abandoned != want.Abandoned {
			t.Errorf("lane %d is %+v, want %+v", i, got, want)
		}
	}
}

// A lane that others run is not abandoned: it pulls, or says that it lives, until it
// says that it does not.
func TestLanesThatOthersRunAreNotAbandoned(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	mine := r.Topology
	mine.Handlers = nil
	abandoned := func() bool {
		t.Helper()
		others, err := status.OtherLanes(t.Context(), r.Conn, mine)
		if err != nil || len(others) != 1 {
			t.Fatalf("others are %+v, %v", others, err)
		}
		return others[0].Abandoned
	}
	if !abandoned() {
		t.Error("a lane that nobody has ever run is not abandoned")
	}
	ctx, stop := context.WithCancel(t.Context())
	pulled := make(chan struct{})
	go func() {
		defer close(pulled)
		_, _ = r.Lane.Retries.Pull(ctx, 1, 0, nil, func(consumer.Message) {})
	}()
	brokertest.Eventually(t, "pulling", func() bool { return !abandoned() })
	stop()
	<-pulled
	brokertest.Eventually(t, "not pulling", abandoned)

	ctx, stop = context.WithCancel(t.Context())
	kept := make(chan error, 1)
	go func() { kept <- topology.NewPositions(r.Conn, r.Topology, zerolog.Nop()).Run(ctx) }()
	brokertest.Eventually(t, "recorded", func() bool { return !abandoned() })
	if _, err := lanes.Find(t.Context(), r.Conn, r.Topology, "fcm"); !errors.Is(err, lanes.ErrRuns) {
		t.Errorf("FindLane = %v, want ErrLaneRuns", err)
	}
	stop()
	if err := <-kept; err != nil || !abandoned() {
		t.Errorf("a lane whose worker has stopped is not abandoned; Run = %v", err)
	}
}
