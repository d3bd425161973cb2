package line

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestProjectQuota: when FCM says to several that the project has to wait, nobody is
// called before that time, not even who was waiting for his turn already; then one
// is, and if that goes well all are.
func TestProjectQuota(t *testing.T) {
	o := standard
	p := &provider{answer: func(n int, _ string) reply {
		if n <= enoughAnswers+1 {
			return quotaOfProject
		}
		return reply{latency: 100 * time.Millisecond}
	}}
	o.InFlight, o.PerSecond, o.Ramp = 1, 1e9, time.Millisecond
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		const senders = 3 * enoughAnswers
		start := time.Now()
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				for {
					a, err := p.send(t.Context(), l, "t"+strconv.Itoa(i), "android")
					switch {
					case err == nil && a.Fate == Accepted:
						return
					case err != nil && !errors.Is(err, ErrDown), a.Tried && err == nil:
						t.Errorf("%+v, %v, want ErrDown, or none who was asked", a, err)
					}
					time.Sleep(time.Second / 4)
				}
			})
		}
		all.Wait()
		if len(p.times) != enoughAnswers+1+senders {
			t.Errorf("%d requests, want %d", len(p.times), enoughAnswers+1+senders)
		}
		for i, at := range p.times {
			least := 37 * time.Second * time.Duration(max(0, min(2, i-enoughAnswers+1)))
			if at.Sub(start) < least || at.Sub(start) > least+8*time.Second {
				t.Errorf("request %d came after %s", i+1, at.Sub(start))
			}
		}
	})
}

// TestDeviceQuota: a device that has to wait is not called before its time, by
// whatever receipt, and no other device waits.
func TestDeviceQuota(t *testing.T) {
	o := standard
	p := &provider{answer: func(n int, token string) reply {
		if token == "slow" && n == 1 {
			return slow(5 * time.Second)
		}
		return reply{}
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		a, err := p.send(t.Context(), l, "slow", "android")
		if err != nil || a.Fate != Again || a.Wait != 5*time.Second || !a.Tried {
			t.Fatalf("%+v, %v", a, err)
		}
		time.Sleep(2 * time.Second)
		if a, err = p.send(t.Context(), l, "slow", "android"); err != nil || a.Fate != Again || a.Wait != 3*time.Second || a.Tried {
			t.Errorf("before its time: %+v, %v", a, err)
		}
		if a, err = p.send(t.Context(), l, "other", "android"); err != nil || a.Fate != Accepted {
			t.Errorf("another device: %+v, %v", a, err)
		}
		time.Sleep(3 * time.Second)
		if a, err = p.send(t.Context(), l, "slow", "android"); err != nil || a.Fate != Accepted {
			t.Errorf("at its time: %+v, %v", a, err)
		}
		if n := p.count(); n != 3 || len(l.resting.keys) != 0 {
			t.Errorf("%d requests, %d targets rest", n, len(l.resting.keys))
		}
	})
}

// TestRetryAfterOfAnOutage: a 503's time is obeyed as well.
func TestRetryAfterOfAnOutage(t *testing.T) {
	o := standard
	p := &provider{answer: func(n int, _ string) reply {
		return []reply{down503.after(9 * time.Second), {}}[min(n-1, 1)]
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		for range 100 {
			if a, err := p.send(t.Context(), l, "t", "ios"); err == nil && a.Fate == Accepted {
				break
			}
			time.Sleep(time.Second / 2)
		}
		if n := p.count(); n != 2 || p.times[1].Sub(p.times[0]) != 9*time.Second {
			t.Errorf("%d requests, at %v", n, p.times)
		}
	})
}

// TestPlatformBroken: FCM's broken access to Apple rests Apple's devices, once
// several of them have shown it, and is no matter of Android's.
func TestPlatformBroken(t *testing.T) {
	o := standard
	p := &provider{answer: func(_ int, token string) reply {
		if strings.HasPrefix(token, "apple") {
			return thirdParty
		}
		return reply{}
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		for i := range 50 {
			a, err := p.send(t.Context(), l, "apple"+strconv.Itoa(i), "ios")
			if err != nil || a.Fate != Again || a.Tried || a.Wait != GroupWait {
				t.Fatalf("%+v, %v", a, err)
			}
			if a, err = p.send(t.Context(), l, "robot", "android"); err != nil || a.Fate != Accepted {
				t.Fatalf("%+v, %v", a, err)
			}
		}
		if n := p.count(); n != 50+enoughAnswers {
			t.Errorf("%d requests, want 50 for Android and %d for Apple", n, enoughAnswers)
		}
		time.Sleep(GroupWait)
		for range 5 {
			if a, err := p.send(t.Context(), l, "apple", "ios"); err != nil || a.Fate != Again || a.Tried {
				t.Errorf("%+v, %v", a, err)
			}
		}
		if n := p.count(); n != 51+enoughAnswers {
			t.Errorf("%d requests, want one more when it has rested", n)
		}
	})
}

// TestOutage: while FCM is down it is asked once a second, whoever wants to send,
// and when it is back all go on, slowly at first.
func TestOutage(t *testing.T) {
	o := standard
	var up bool
	p := &provider{}
	p.answer = func(int, string) reply {
		if up {
			return reply{}
		}
		return down503.late(10 * time.Millisecond)
	}
	o.InFlight, o.PerSecond, o.Ramp = 100, 1000, time.Minute
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		over := make(chan struct{})
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					_, _ = p.send(t.Context(), l, "t"+strconv.Itoa(i), "android")
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		time.Sleep(5 * time.Second) // it has closed
		before := p.count()
		time.Sleep(time.Minute)
		if n := p.count() - before; n < 50 || n > 60 {
			t.Errorf("%d requests in a minute of outage, want one a second", n)
		}
		p.mu.Lock()
		up = true
		p.mu.Unlock()
		time.Sleep(2 * time.Second)
		before = p.count()
		time.Sleep(5 * time.Second)
		if n := p.count() - before; n < 500 || n > 1200 {
			t.Errorf("%d requests in 5 s after the outage, want a ramp that begins at 100 a second", n)
		}
		time.Sleep(time.Minute)
		before = p.count()
		time.Sleep(5 * time.Second)
		if n := p.count() - before; n < 4900 || n > 5100 {
			t.Errorf("%d requests in 5 s after the ramp, want 1000 a second", n)
		}
		close(over)
		all.Wait()
	})
}

// TestStalled: no answer within the deadline is an attempt, and so is an end of the
// receipt's own time; a stop is none.
func TestStalled(t *testing.T) {
	o := standard
	p := &provider{answer: func(int, string) reply { return reply{latency: time.Hour} }}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		start := time.Now()
		a, err := p.send(t.Context(), l, "a", "android")
		if err != nil || a.Fate != Again || !a.Tried || a.Wait != sendTimeout || time.Since(start) != sendTimeout {
			t.Errorf("stalled: %+v, %v after %s", a, err, time.Since(start))
		}
		short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if a, err = p.send(short, l, "b", "android"); err != nil || a.Fate != Again || !a.Tried || a.Wait != 2*time.Second {
			t.Errorf("out of time: %+v, %v", a, err)
		}
		stopped, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(errors.New("stopping")) })
		if a, err = p.send(stopped, l, "c", "android"); !errors.Is(err, ErrInterrupted) || a.Tried {
			t.Errorf("stopped: %+v, %v", a, err)
		}
		if l.limit.used != 0 {
			t.Errorf("%d places are lost", l.limit.used)
		}
	})
}

// TestPanic: a panic is an answer, and leaves nothing taken.
func TestPanic(t *testing.T) {
	o := standard
	p := &provider{}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		for range 3 {
			a := l.Send(t.Context(), Call{Key: "t", Do: func(context.Context, func(Answer)) { panic("SDK") }})
			if _, ok := errors.AsType[*push.PanicError](a.Err); !ok || a.Fate != Again || !a.Tried {
				t.Errorf("%+v", a)
			}
		}
		if a, err := p.send(t.Context(), l, "t", "android"); err != nil || a.Fate != Accepted || l.limit.used != 0 {
			t.Errorf("%+v, %v, %d places taken", a, err, l.limit.used)
		}
	})
}
