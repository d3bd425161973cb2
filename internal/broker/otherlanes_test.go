package broker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/consumer"
)

// A lane that nobody runs is shown with what it holds, by a process that knows
// nothing of its handler.
func TestAbandonedLanesAreShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(topo *broker.Topology) { topo.Handlers = []string{"fcm", "stdout"} })
	r.publish(t, 3)
	m := one(t, r.lane.Fresh)
	if err := broker.NewScheduler(r.conn, r.topo).Schedule(t.Context(), retryOf(m, time.Hour)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "settled", func() bool { return r.info(t, "fcm").AckFloor.Stream == 1 })
	consume(t, r.js, jetstream.ConsumerConfig{Durable: "audit", AckPolicy: jetstream.AckExplicitPolicy})
	mine := r.topo
	mine.Handlers = []string{"stdout"}
	stats, err := broker.NewReader(r.broker.Connect(t)).Stats(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	if len(stats.Lanes) != 3 || stats.AbandonedDurables != 4 {
		t.Fatalf("%d abandoned durables of %+v, want fcm with 3 and audit with 1", stats.AbandonedDurables, stats.Lanes)
	}
	for i, want := range []broker.LaneStats{{Handler: "stdout", Pending: 3}, {Handler: "audit", Pending: 3, Abandoned: true}, {Handler: "fcm", Pending: 2, RetriesWaiting: 1, Abandoned: true}} {
		if got := stats.Lanes[i]; got.Handler != want.Handler || got.Pending != want.Pending || got.RetriesWaiting != want.RetriesWaiting || got.Abandoned != want.Abandoned {
			t.Errorf("lane %d is %+v, want %+v", i, got, want)
		}
	}
}

// A lane that others run is not abandoned: it pulls, or says that it lives, until it
// says that it does not.
func TestLanesThatOthersRunAreNotAbandoned(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mine := r.topo
	mine.Handlers = nil
	abandoned := func() bool {
		t.Helper()
		others, err := broker.OtherLanes(t.Context(), r.conn, mine)
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
		_, _ = r.lane.Retries.Pull(ctx, 1, 0, func(consumer.Message) {})
	}()
	eventually(t, "pulling", func() bool { return !abandoned() })
	stop()
	<-pulled
	eventually(t, "not pulling", abandoned)

	ctx, stop = context.WithCancel(t.Context())
	kept := make(chan error, 1)
	go func() { kept <- broker.NewPositions(r.conn, r.topo, zerolog.Nop()).Run(ctx) }()
	eventually(t, "recorded", func() bool { return !abandoned() })
	if _, err := broker.FindLane(t.Context(), r.conn, r.topo, "fcm"); !errors.Is(err, broker.ErrLaneRuns) {
		t.Errorf("FindLane = %v, want ErrLaneRuns", err)
	}
	stop()
	if err := <-kept; err != nil || !abandoned() {
		t.Errorf("a lane whose worker has stopped is not abandoned; Run = %v", err)
	}
}
