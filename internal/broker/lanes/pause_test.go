package lanes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/lanes"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// A pull that waits when the lane is paused gets nothing until it is resumed, and
// then goes on by itself.
func TestPausedLaneDeliversNothingAndGoesOn(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	pulled := make(chan string, 8)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := r.Lane.Fresh.Pull(ctx, 3, 0, nil, func(m consumer.Message) {
			pulled <- string(m.Data())
			_ = m.Ack() // the test looks at what arrives
		})
		ended <- err
	}()
	r.Publish(t, 1)
	receive(t, pulled)

	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	if err := lanes.Pause(t.Context(), r.Conn, r.Topology, "fcm", until); err != nil {
		t.Fatal(err)
	}
	stats := laneOf(t, r)
	if !stats.Paused || !stats.PausedUntil.Equal(until) {
		t.Errorf("stats are %+v, want paused until %s", stats, until)
	}
	r.Publish(t, 1)
	if err := r.NATS.Flush(); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "waiting", func() bool { return laneOf(t, r).Pending == 1 })
	select {
	case m := <-pulled:
		t.Fatalf("a paused lane delivers %q", m)
	case <-time.After(300 * time.Millisecond): // the broker delivers within a millisecond
	}
	// A change of the topology must not resume it.
	topo := r.Topology
	topo.AckWait = time.Minute
	if _, err := topology.Provision(t.Context(), r.Conn, topo); err != nil {
		t.Fatal(err)
	}
	if !laneOf(t, r).Paused {
		t.Error("provisioning has resumed the lane")
	}

	if err := lanes.Pause(t.Context(), r.Conn, r.Topology, "fcm", time.Time{}); err != nil {
		t.Fatal(err)
	}
	receive(t, pulled)
	if stats := laneOf(t, r); stats.Paused || !stats.PausedUntil.IsZero() {
		t.Errorf("stats are %+v after resuming", stats)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func receive(t *testing.T, pulled <-chan string) {
	t.Helper()
	select {
	case <-pulled:
	case <-time.After(brokertest.Deadline):
		t.Fatal("nothing is delivered")
	}
}

func laneOf(t *testing.T, r *brokertest.Rig) status.LaneStats {
	t.Helper()
	s, err := status.NewReader(r.Conn).Stats(t.Context(), r.Topology)
	if err != nil {
		t.Fatal(err)
	}
	return s.Lanes[0]
}

func TestRetriesAreNotDeliveredWhilePaused(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 1)
	retry := brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), 10*time.Millisecond)
	if err := lanes.Pause(t.Context(), r.Conn, r.Topology, "fcm", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := queue.NewScheduler(r.Conn, r.Topology).Schedule(t.Context(), retry); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "due", func() bool { return laneOf(t, r).Due == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if n, err := r.Lane.Retries.Pull(ctx, 1, 0, nil, func(consumer.Message) {}); n > 0 || err != nil {
		t.Errorf("Pull = %d, %v from a paused lane", n, err)
	}
	if err := lanes.Pause(t.Context(), r.Conn, r.Topology, "fcm", time.Time{}); err != nil {
		t.Fatal(err)
	}
	brokertest.PullOne(t, r.Lane.Retries)
}

func TestPauseNamesALaneThatIsMissing(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	err := lanes.Pause(t.Context(), r.Conn, r.Topology, "apns", time.Now().Add(time.Hour))
	brokertest.WantError(t, err, `"apns"`, "lane ls")
	if !errors.Is(err, lanes.ErrNoLane) {
		t.Errorf("%v does not wrap ErrNoLane", err)
	}
}
