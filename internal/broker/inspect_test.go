package broker_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
)

func TestBindMissesNoStream(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"PUSH_RETRY", "PUSH_DEAD"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if err := broker.MissingStreams(t.Context(), r.conn, r.topo); err != nil {
				t.Errorf("with all streams: %v", err)
			}
			if err := r.js.DeleteStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
			_, err := broker.Bind(t.Context(), r.conn, r.topo)
			wantError(t, err, "stream "+stream, "PUSHWORKER_PROVISION=true")
			err = broker.MissingStreams(t.Context(), r.conn, r.topo)
			wantError(t, err, "stream "+stream, "PUSHWORKER_PROVISION=true")
			if !errors.Is(err, jetstream.ErrStreamNotFound) {
				t.Errorf("%v does not wrap the client's error", err)
			}
		})
	}
}

// What would cost receipts stops a worker that may not mend it; what lanes can
// work with is told.
func TestBindRefusesWhatLosesReceipts(t *testing.T) {
	t.Parallel()
	stream := func(change func(*jetstream.StreamConfig)) func(*testing.T, *rig) {
		return func(t *testing.T, r *rig) {
			t.Helper()
			s, err := r.js.Stream(t.Context(), "PUSH")
			if err != nil {
				t.Fatal(err)
			}
			c := s.CachedInfo().Config
			change(&c)
			if _, err := r.js.UpdateStream(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	durable := func(change func(*jetstream.ConsumerConfig)) func(*testing.T, *rig) {
		return func(t *testing.T, r *rig) {
			t.Helper()
			c := r.info(t, "fcm").Config
			if err := r.js.DeleteConsumer(t.Context(), "PUSH", "fcm"); err != nil {
				t.Fatal(err)
			}
			change(&c)
			consume(t, r.js, c)
		}
	}
	for name, test := range map[string]struct {
		change func(*testing.T, *rig)
		words  []string // nil: only a difference
		field  string
	}{
		"discard":     {stream(func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }), []string{"stream PUSH", "discard is DiscardOld", "PROVISION=true", "nats stream edit"}, "discard"},
		"per subject": {stream(func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }), []string{"stream PUSH", "max_msgs_per_subject is 5"}, "max_msgs_per_subject"},
		"max deliver": {durable(func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 3 }), []string{"durable fcm of stream PUSH", "max_deliver is 3", "never delivered again", "nats consumer edit"}, "max_deliver"},
		"ack none":    {durable(func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy }), []string{"durable fcm of stream PUSH", "ack_policy", "remove it with the nats CLI"}, "ack_policy"},
		"max age":     {stream(func(c *jetstream.StreamConfig) { c.MaxAge = 2 * time.Hour }), nil, "max_age"},
		"ack wait":    {durable(func(c *jetstream.ConsumerConfig) { c.AckWait = time.Minute }), nil, "ack_wait"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			test.change(t, r)
			diffs, err := broker.Bind(t.Context(), r.conn, r.topo)
			if test.words == nil && err != nil {
				t.Errorf("Bind = %v, want a difference only", err)
			} else if test.words != nil {
				wantError(t, err, test.words...)
			}
			if !slices.ContainsFunc(diffs, func(d broker.Difference) bool { return d.Field == test.field && !d.Mended }) {
				t.Errorf("no difference in %s: %v", test.field, diffs)
			}
		})
	}
}
