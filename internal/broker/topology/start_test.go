package topology_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// beside is a broker whose stream holds three receipts and no lane of ours.
func beside(t *testing.T) *brokertest.Rig {
	t.Helper()
	b := brokertest.Start(t)
	_, js := brokertest.Client(t, b.URL())
	create(t, js, jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push.receipts", "push.receipts.>"}})
	r := &brokertest.Rig{Broker: b, JetStream: js, Topology: b.Topology("fcm"), Conn: b.Connect(t)}
	r.Publish(t, 3)
	return r
}

// A lane that appears beside receipts leaves them out unless it is told otherwise.
func TestANewLaneStartsWhereItIsTold(t *testing.T) {
	t.Parallel()
	for start, want := range map[string]struct {
		pending uint64
		says    string
		notice  bool
	}{
		"":                     {0, "leaves out the 3 that the stream holds already", true},
		topology.StartNew:      {0, "the next receipt published", false},
		topology.StartOldest:   {3, "the oldest receipt kept", false},
		"2020-01-01T00:00:00Z": {3, "published since 2020-01-01T00:00:00Z", false},
		"2090-01-01T00:00:00Z": {0, "published since 2090-01-01T00:00:00Z", false},
	} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			r := beside(t)
			r.Topology.Starts = map[string]string{"fcm": start}
			diffs, err := topology.Provision(t.Context(), r.Conn, r.Topology)
			if err != nil {
				t.Fatal(err)
			}
			if n := r.Info(t, "fcm").NumPending; n != want.pending {
				t.Errorf("%d of 3 older receipts are to come, want %d", n, want.pending)
			}
			said := false
			for _, d := range diffs {
				said = said || d.Object == "durable fcm of stream PUSH" && strings.Contains(d.String(), want.says) && d.Notice == want.notice
			}
			if !said {
				t.Errorf("the differences do not say %q: %v", want.says, diffs)
			}
		})
	}
}

// However soon after the stream publishers come, the lanes it was made for begin
// with the oldest receipt, in every process.
func TestLanesOlderThanTheStreamStartWithTheOldestReceipt(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 2)
	brokertest.DeleteDurable(t, r) // as if a process had died between stream and durable
	if _, err := topology.Provision(t.Context(), r.Broker.Connect(t), r.Topology); err != nil {
		t.Fatal(err)
	}
	if n := r.Info(t, "fcm").NumPending; n != 2 {
		t.Errorf("%d receipts are to come, want 2", n)
	}
}

func TestALaneAddedLaterLeavesHistoryAlone(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 3)
	r.Topology.Handlers = append(r.Topology.Handlers, "apns")
	diffs, err := topology.Provision(t.Context(), r.Conn, r.Topology)
	if err != nil || len(diffs) != 3 {
		t.Fatalf("%v, %v", diffs, err)
	}
	if s := diffs[0].String(); !strings.Contains(s, "pushworker replay --handler apns") {
		t.Errorf("the difference does not say how to send history: %s", s)
	}
	r.Publish(t, 2)
	r.AwaitPending(t, "PUSH", "fcm", 5)
	r.AwaitPending(t, "PUSH", "apns", 2) // published after it was made
}

// A durable that is deleted while no worker runs the lane goes on where it was, paused
// if it was.
func TestADeletedDurableGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 10)
	for range 4 {
		brokertest.PullOne(t, r.Lane.Fresh)
	}
	brokertest.Eventually(t, "settled", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 4 })
	until := time.Now().Add(time.Hour)
	if err := lanes.Pause(t.Context(), r.Conn, r.Topology, "fcm", until); err != nil {
		t.Fatal(err)
	}
	if err := topology.NewPositions(r.Conn, r.Topology, zerolog.Nop()).Record(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	brokertest.DeleteDurable(t, r)
	r.Topology.Starts = map[string]string{"fcm": topology.StartOldest} // is for lanes that are new
	diffs, err := topology.Provision(t.Context(), r.Broker.Connect(t), r.Topology)
	if err != nil || len(diffs) != 1 || !diffs[0].Notice || !strings.Contains(diffs[0].String(), "continues after receipt 4") {
		t.Errorf("provisioning: %v, %v", diffs, err)
	}
	if info := r.Info(t, "fcm"); info.NumPending != 6 || info.AckFloor.Stream != 4 || !info.Paused {
		t.Errorf("%d are to come after %d, paused %t; want 6 after 4, paused", info.NumPending, info.AckFloor.Stream, info.Paused)
	}
}

// A stream that was made anew counts from 1 again: what is recorded of the old one
// must not leave out the new one's first receipts.
func TestARecordedPositionIsOfOneStreamOnly(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 5)
	for range 5 {
		brokertest.PullOne(t, r.Lane.Fresh)
	}
	brokertest.Eventually(t, "settled", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 5 })
	if err := topology.NewPositions(r.Conn, r.Topology, zerolog.Nop()).Record(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	r.Broker.DeleteStream(t, "PUSH")
	create(t, r.JetStream, jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push.receipts", "push.receipts.>"}})
	r.Publish(t, 7)
	if _, err := topology.Provision(t.Context(), r.Broker.Connect(t), r.Topology); err != nil {
		t.Fatal(err)
	}
	if n := r.Info(t, "fcm").NumPending; n != 7 {
		t.Errorf("%d receipts of the new stream are to come, want 7", n)
	}
}

// remaking is a lane that makes deleted durables anew, and its positions.
func remaking(t *testing.T, r *brokertest.Rig) (*topology.Positions, queue.Lane) {
	t.Helper()
	positions := topology.NewPositions(r.Conn, r.Topology, zerolog.Nop())
	lane, err := queue.Bind(t.Context(), r.Conn, r.Topology, "fcm", positions)
	if err != nil {
		t.Fatal(err)
	}
	return positions, lane
}

// Each durable that is deleted under a running lane is made anew, and nothing that
// was settled comes again.
func TestADurableIsMadeAnewUnderARunningLane(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	positions, lane := remaking(t, r)
	r.Publish(t, 10)
	for range 4 {
		brokertest.PullOne(t, lane.Fresh)
	}
	brokertest.Eventually(t, "settled", func() bool { return r.Info(t, "fcm").AckFloor.Stream == 4 })
	if err := positions.Record(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	brokertest.DeleteDurable(t, r)
	for want := uint64(5); want <= 10; want++ {
		if got := brokertest.PullOne(t, lane.Fresh).Origin().Seq; got != want {
			t.Fatalf("receipt %d comes after the durable was made anew, want %d", got, want)
		}
	}
	for name, source := range map[string]*queue.Source{"fcm": lane.Retries, "fcm-suspects": lane.Suspects} {
		if err := r.JetStream.DeleteConsumer(t.Context(), "PUSH_RETRY", name); err != nil {
			t.Fatal(err)
		}
		subject := map[string]string{"fcm": "push.retry.fcm", "fcm-suspects": "push.retry.fcm.suspects"}[name]
		r.Store(t, subject, "again", nil)
		if got := string(brokertest.PullOne(t, source).Data()); got != "again" {
			t.Errorf("%s delivers %q", name, got)
		}
	}
}

// A broker that cannot make the durable at this moment is asked again: it may still be
// removing the files of the deleted one.
func TestADurableIsMadeAnewWhenTheBrokerCanAgain(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	_, lane := remaking(t, r)
	r.Publish(t, 1)
	brokertest.DeleteDurable(t, r)
	allow := r.Broker.RefuseDurables(t, "PUSH")
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline)
	defer cancel()
	_, err := lane.Fresh.Pull(ctx, 1, 0, nil, func(consumer.Message) {})
	if err == nil || errors.Is(err, consumer.ErrSourceGone) {
		t.Fatalf("Pull = %v, want an error that passes", err)
	}
	allow()
	brokertest.PullOne(t, lane.Fresh)
}

// Without the right to make durables the worker ends and says what to do.
func TestADeletedDurableEndsALaneThatMayNotMakeIt(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	brokertest.DeleteDurable(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline)
	defer cancel()
	_, err := r.Lane.Fresh.Pull(ctx, 1, 0, nil, func(consumer.Message) {})
	if !errors.Is(err, consumer.ErrSourceGone) {
		t.Errorf("Pull = %v, want ErrSourceGone", err)
	}
	brokertest.WantError(t, err, "durable fcm of stream PUSH was deleted", "pushworker provision", "resumes at its recorded position")
}
