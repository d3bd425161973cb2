package broker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/consumer"
)

// A pull that waits when the lane is paused gets nothing until it is resumed, and
// then goes on by itself.
func TestPausedLaneDeliversNothingAndGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	pulled := make(chan string, 8)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := r.lane.Fresh.Pull(ctx, 3, 0, func(m consumer.Message) {
			pulled <- string(m.Data())
			_ = m.Ack() // the test looks at what arrives
		})
		ended <- err
	}()
	r.publish(t, 1)
	receive(t, pulled)

	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	if err := broker.PauseLane(t.Context(), r.conn, r.topo, "fcm", until); err != nil {
		t.Fatal(err)
	}
	stats := laneOf(t, r)
	if !stats.Paused || !stats.PausedUntil.Equal(until) {
		t.Errorf("stats are %+v, want paused until %s", stats, until)
	}
	r.publish(t, 1)
	if err := r.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "waiting", func() bool { return laneOf(t, r).Pending == 1 })
	select {
	case m := <-pulled:
		t.Fatalf("a paused lane delivers %q", m)
	case <-time.After(300 * time.Millisecond): // the broker delivers within a millisecond
	}
	// A change of the topology must not resume it.
	topo := r.topo
	topo.AckWait = time.Minute
	if _, err := broker.Provision(t.Context(), r.conn, topo); err != nil {
		t.Fatal(err)
	}
	if !laneOf(t, r).Paused {
		t.Error("provisioning has resumed the lane")
	}

	if err := broker.PauseLane(t.Context(), r.conn, r.topo, "fcm", time.Time{}); err != nil {
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
	case <-time.After(deadline):
		t.Fatal("nothing is delivered")
	}
}

func laneOf(t *testing.T, r *rig) broker.LaneStats {
	t.Helper()
	s, err := broker.NewReader(r.conn).Stats(t.Context(), r.topo)
	if err != nil {
		t.Fatal(err)
	}
	return s.Lanes[0]
}

func TestRetriesAreNotDeliveredWhilePaused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(t, 1)
	retry := retryOf(one(t, r.lane.Fresh), 10*time.Millisecond)
	if err := broker.PauseLane(t.Context(), r.conn, r.topo, "fcm", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := broker.NewScheduler(r.conn, r.topo).Schedule(t.Context(), retry); err != nil {
		t.Fatal(err)
	}
	eventually(t, "due", func() bool { return laneOf(t, r).Due == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if n, err := r.lane.Retries.Pull(ctx, 1, 0, func(consumer.Message) {}); n > 0 || err != nil {
		t.Errorf("Pull = %d, %v from a paused lane", n, err)
	}
	if err := broker.PauseLane(t.Context(), r.conn, r.topo, "fcm", time.Time{}); err != nil {
		t.Fatal(err)
	}
	one(t, r.lane.Retries)
}

func TestPauseNamesALaneThatIsMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	err := broker.PauseLane(t.Context(), r.conn, r.topo, "apns", time.Now().Add(time.Hour))
	wantError(t, err, `"apns"`, "lane ls")
	if !errors.Is(err, broker.ErrNoLane) {
		t.Errorf("%v does not wrap ErrNoLane", err)
	}
}
