package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/queue"
)

// A schedule is due by the broker's clock. A worker whose own clock is an hour
// behind it, or ahead, schedules retries for the same moment as any other.
func TestScheduleGoesByTheBrokersClock(t *testing.T) {
	t.Parallel()
	r := brokertest.NewRig(t)
	r.Publish(t, 2)
	s := queue.NewScheduler(r.Conn, r.Topology)
	if _, known := queue.Clock(s); known {
		t.Fatal("the broker's time is known before it was asked for")
	}
	if err := s.Schedule(t.Context(), brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), time.Hour)); err != nil {
		t.Fatal(err)
	}
	if now, known := queue.Clock(s); !known || time.Until(now).Abs() > time.Minute {
		t.Errorf("the broker's time is %s, known %t, after it was asked for", now, known)
	}
	queue.SetClock(s, 24*time.Hour)
	if err := s.Schedule(t.Context(), brokertest.RetryOf(brokertest.PullOne(t, r.Lane.Fresh), time.Hour)); err != nil {
		t.Fatal(err)
	}
	stored := r.Stored(t, "PUSH_RETRY")
	if len(stored) != 2 {
		t.Fatalf("%d retries wait, want 2", len(stored))
	}
	for i, want := range []time.Duration{time.Hour, 25 * time.Hour} {
		at, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(stored[i].Header.Get("Nats-Schedule"), "@at "))
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(at) - want; off.Abs() > time.Minute {
			t.Errorf("retry %d is due %s from now, want %s", i, time.Until(at), want)
		}
	}
}
