package lanes_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Retiring a lane takes its durables, its retries and its position, and nothing of
// other lanes.
func TestRetireLane(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t, func(topo *topology.Topology) { topo.Handlers = []string{"fcm", "stdout"} })
	r.Publish(t, 3)
	m := brokertest.PullOne(t, r.Lane.Fresh)
	for _, handler := range r.Topology.Handlers {
		for _, delay := range []time.Duration{time.Hour, 0} {
			retry := brokertest.RetryOf(m, delay)
			retry.Handler = handler
			retry.Origin.Attempts += int(delay / time.Hour) // or it would be the same retry
			if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), retry); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := topology.NewPositions(r.Conn, r.Topology, zerolog.Nop()).Record(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for range 2 { // repeating finds nothing left
		if err := lanes.Retire(t.Context(), r.Conn, r.Topology, "fcm"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lanes.Find(t.Context(), r.Conn, r.Topology, "fcm"); !errors.Is(err, lanes.ErrNoLane) {
		t.Errorf("FindLane = %v, want ErrNoLane", err)
	}
	retries := r.Stored(t, "PUSH_RETRY")
	if len(retries) != 2 {
		t.Errorf("%d retries are left, want the 2 of stdout", len(retries))
	}
	for _, m := range retries {
		if !strings.Contains(m.Subject, ".stdout") {
			t.Errorf("%s is left", m.Subject)
		}
	}
	if _, err := topology.Provision(t.Context(), r.Broker.Connect(t), r.Topology); err != nil {
		t.Fatal(err)
	}
	if n := r.Info(t, "fcm").NumPending; n != 0 {
		t.Errorf("the lane that is new again begins with %d older receipts", n)
	}
	r.AwaitPending(t, "PUSH", "stdout", 3)
}
