package broker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
)

// Retiring a lane takes its durables, its retries and its position, and nothing of
// other lanes.
func TestRetireLane(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(topo *broker.Topology) { topo.Handlers = []string{"fcm", "stdout"} })
	r.publish(t, 3)
	m := one(t, r.lane.Fresh)
	for _, handler := range r.topo.Handlers {
		for _, delay := range []time.Duration{time.Hour, 0} {
			retry := retryOf(m, delay)
			retry.Handler = handler
			retry.Origin.Attempts += int(delay / time.Hour) // or it would be the same retry
			if err := broker.NewScheduler(r.conn, r.topo).Schedule(t.Context(), retry); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := broker.NewPositions(r.conn, r.topo, zerolog.Nop()).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // repeating finds nothing left
		if err := broker.RetireLane(t.Context(), r.conn, r.topo, "fcm"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := broker.FindLane(t.Context(), r.conn, r.topo, "fcm"); !errors.Is(err, broker.ErrNoLane) {
		t.Errorf("FindLane = %v, want ErrNoLane", err)
	}
	retries := r.stored(t, "PUSH_RETRY")
	if len(retries) != 2 {
		t.Errorf("%d retries are left, want the 2 of stdout", len(retries))
	}
	for _, m := range retries {
		if !strings.Contains(m.Subject, ".stdout") {
			t.Errorf("%s is left", m.Subject)
		}
	}
	if _, err := broker.Provision(t.Context(), r.broker.Connect(t), r.topo); err != nil {
		t.Fatal(err)
	}
	if n := r.info(t, "fcm").NumPending; n != 0 {
		t.Errorf("the lane that is new again begins with %d older receipts", n)
	}
	if n := r.info(t, "stdout").NumPending; n != 3 {
		t.Errorf("stdout has %d receipts to come, want 3", n)
	}
}
