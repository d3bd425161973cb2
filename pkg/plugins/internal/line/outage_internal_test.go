package line

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestOutageCostsNoAttempt: once it is known that FCM is down, its refusals are no
// attempts of the targets that meet them, a probe's included; and who rests says
// nothing about whether it is back.
func TestOutageCostsNoAttempt(t *testing.T) {
	o := standard
	p := &provider{answer: func(n int, token string) reply {
		if token == "rests" && n == 1 {
			return slow(time.Minute)
		}
		return down503
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		if a, err := p.send(t.Context(), l, "rests", "android"); err != nil || a.Fate != Again {
			t.Fatalf("%+v, %v", a, err)
		}
		attempts := 0
		for i := range 4 * enoughAnswers {
			if a, err := p.send(t.Context(), l, "t"+strconv.Itoa(i), "android"); err == nil && a.Tried {
				attempts++
			}
		}
		if attempts >= enoughAnswers {
			t.Errorf("%d attempts until the outage was known, want fewer than %d", attempts, enoughAnswers)
		}
		for range 5 {
			before := p.count()
			time.Sleep(probeEvery + time.Millisecond)
			if _, err := p.send(t.Context(), l, "rests", "android"); !errors.Is(err, ErrDown) || p.count() != before {
				t.Errorf("who rests learns %v by %d requests", err, p.count()-before)
			}
			if _, err := p.send(t.Context(), l, "probe", "android"); !errors.Is(err, ErrDown) || p.count() != before+1 {
				t.Errorf("the probe learns %v by %d requests", err, p.count()-before)
			}
		}
	})
}

// TestOneAsksAfterTheRest: when the time of a target has come, its messages do not
// all go at once: the first learns whether the target may be sent to again.
func TestOneAsksAfterTheRest(t *testing.T) {
	o := standard
	p := &provider{answer: func(n int, _ string) reply {
		if n <= 2 {
			return slow(5 * time.Second).late(10 * time.Millisecond)
		}
		return reply{latency: 10 * time.Millisecond}
	}}
	bubble(t, o, func(t *testing.T, l *Line) {
		t.Helper()
		start := time.Now()
		if a, err := p.send(t.Context(), l, "t", "android"); err != nil || a.Fate != Again {
			t.Fatalf("%+v, %v", a, err)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				for {
					a, err := p.send(t.Context(), l, "t", "android")
					if err != nil || a.Fate == Accepted {
						return
					}
					if !a.Tried && a.Wait <= 0 {
						t.Errorf("one who waits is told %+v", a)
					}
					time.Sleep(a.Wait)
				}
			})
		}
		all.Wait()
		if len(p.times) != 12 || len(l.resting.keys) != 0 {
			t.Errorf("%d requests for 11 messages, 2 refused; %d targets rest", len(p.times), len(l.resting.keys))
		}
		for i, least := range []time.Duration{0, 5 * time.Second, 10 * time.Second, 10*time.Second + 20*time.Millisecond} {
			if at := p.times[i].Sub(start); at < least {
				t.Errorf("request %d came after %s, before its time", i+1, at)
			}
		}
	})
}
