package topology_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

func TestBindMissesNoStream(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"PUSH_RETRY", "PUSH_DEAD"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			if err := topology.MissingStreams(t.Context(), r.Conn, r.Topology); err != nil {
				t.Errorf("with all streams: %v", err)
			}
			if err := r.JetStream.DeleteStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
			_, err := topology.Bind(t.Context(), r.Conn, r.Topology)
			brokertest.WantError(t, err, "stream "+stream, "pushworker provision")
			err = topology.MissingStreams(t.Context(), r.Conn, r.Topology)
			brokertest.WantError(t, err, "stream "+stream, "pushworker provision")
			if !errors.Is(err, jetstream.ErrStreamNotFound) {
				t.Errorf("%v does not wrap the client's error", err)
			}
		})
	}
}

// What would cost receipts stops a worker that may not update it; what lanes can
// work with is told.
func TestBindRefusesWhatLosesReceipts(t *testing.T) {
	t.Parallel()
	stream := func(change func(*jetstream.StreamConfig)) func(*testing.T, *brokertest.Rig) {
		return func(t *testing.T, r *brokertest.Rig) {
			t.Helper()
			s, err := r.JetStream.Stream(t.Context(), "PUSH")
			if err != nil {
				t.Fatal(err)
			}
			c := s.CachedInfo().Config
			change(&c)
			if _, err := r.JetStream.UpdateStream(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	Durable := func(change func(*jetstream.ConsumerConfig)) func(*testing.T, *brokertest.Rig) {
		return func(t *testing.T, r *brokertest.Rig) {
			t.Helper()
			c := r.Info(t, "fcm").Config
			if err := r.JetStream.DeleteConsumer(t.Context(), "PUSH", "fcm"); err != nil {
				t.Fatal(err)
			}
			change(&c)
			brokertest.Consume(t, r.JetStream, c)
		}
	}
	for name, test := range map[string]struct {
		change func(*testing.T, *brokertest.Rig)
		words  []string // nil: only a difference
		field  string
	}{
		"discard":     {stream(func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }), []string{"stream PUSH", "discard is DiscardOld", "pushworker provision", "nats stream edit"}, "discard"},
		"per subject": {stream(func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }), []string{"stream PUSH", "max_msgs_per_subject is 5"}, "max_msgs_per_subject"},
		"max deliver": {Durable(func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 3 }), []string{"durable fcm of stream PUSH", "max_deliver is 3", "never delivered again", "nats consumer edit"}, "max_deliver"},
		"ack none":    {Durable(func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy }), []string{"durable fcm of stream PUSH", "ack_policy", "remove it with the nats CLI"}, "ack_policy"},
		"max age":     {stream(func(c *jetstream.StreamConfig) { c.MaxAge = 2 * time.Hour }), nil, "max_age"},
		"ack wait":    {Durable(func(c *jetstream.ConsumerConfig) { c.AckWait = time.Minute }), nil, "ack_wait"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := brokertest.NewRig(t)
			test.change(t, r)
			diffs, err := topology.Bind(t.Context(), r.Conn, r.Topology)
			if test.words == nil && err != nil {
				t.Errorf("Bind = %v, want a difference only", err)
			} else if test.words != nil {
				brokertest.WantError(t, err, test.words...)
			}
			if !slices.ContainsFunc(diffs, func(d topology.Difference) bool { return d.Field == test.field && !d.Updated }) {
				t.Errorf("no difference in %s: %v", test.field, diffs)
			}
		})
	}
}
