package line

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestReachWithoutARate: who wants no rate gets more requests as soon as the latency binds.
func TestReachWithoutARate(t *testing.T) {
	t.Parallel()
	l := New(Options{Name: "APNs", InFlight: 720, MostInFlight: 1440, Timeout: time.Minute})
	for _, s := range []struct {
		latency time.Duration
		want    int
	}{
		{time.Millisecond, 720},
		{30 * time.Millisecond, 1080},
		{50 * time.Millisecond, 1440},
		{time.Second, 1440},
		{20 * time.Millisecond, 720},
	} {
		for range 1000 {
			l.hear(s.latency)
		}
		if l.Room() < s.want-1 || l.Room() > s.want {
			t.Errorf("%d may be open at %s, want %d", l.Room(), s.latency, s.want)
		}
	}
}

// TestReach: as many requests may be open as the rate needs at the latency seen, within
// bounds; refusals still lower that, and silence changes nothing.
func TestReach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Name: "FCM", InFlight: 100, MostInFlight: 300, PerSecond: 1000, Ramp: time.Nanosecond, Timeout: time.Minute})
		answer := Answer{Fate: Accepted, Tried: true}
		latency := time.Millisecond
		send := func(n int) {
			for range n {
				l.Send(t.Context(), Call{Key: "a", Do: func(_ context.Context, answered func(Answer)) {
					time.Sleep(latency)
					answered(answer)
				}})
			}
		}
		for _, s := range []struct {
			latency time.Duration
			want    int
		}{
			{time.Millisecond, 100},
			{100 * time.Millisecond, 200},
			{time.Second, 300},
			{100 * time.Millisecond, 200},
			{time.Millisecond, 100},
		} {
			latency = s.latency
			if send(1000); l.Room() < s.want-1 || l.Room() > s.want+1 {
				t.Errorf("%d may be open at %s, want %d", l.Room(), s.latency, s.want)
			}
		}
		latency = time.Second
		send(1000)
		answer = Answer{Fate: Again, Scope: All, Closed: true, Tried: true, Err: errSick}
		send(20)
		lowered := l.Room()
		if lowered >= 300 {
			t.Errorf("%d may be open after refusals", lowered)
		}
		answer = Answer{Fate: Accepted, Tried: true}
		time.Sleep(time.Minute)
		if send(20); l.Room() != lowered+1 {
			t.Errorf("%d may be open after 20 accepted, want one more than %d", l.Room(), lowered)
		}
		if l.Places() != 300 {
			t.Errorf("%d places, want 300", l.Places())
		}
	})
}
