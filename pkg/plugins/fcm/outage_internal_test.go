package fcm

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
	l := &line{answer: func(n int, token string) reply {
		if token == "rests" && n == 1 {
			return reply{status: 429, retryAfter: "60", body: coded("QUOTA_EXCEEDED")}
		}
		return reply{status: 503}
	}}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		if a, err := s.send(t.Context(), to("rests"), android); err != nil || a.fate != again {
			t.Fatalf("%+v, %v", a, err)
		}
		attempts := 0
		for i := range 4 * enoughAnswers {
			if a, err := s.send(t.Context(), to("t"+strconv.Itoa(i)), android); err == nil && a.tried {
				attempts++
			}
		}
		if attempts >= enoughAnswers {
			t.Errorf("%d attempts until the outage was known, want fewer than %d", attempts, enoughAnswers)
		}
		for range 5 {
			before := l.count()
			time.Sleep(probeEvery + time.Millisecond)
			if _, err := s.send(t.Context(), to("rests"), android); !errors.Is(err, errDown) || l.count() != before {
				t.Errorf("who rests learns %v by %d requests", err, l.count()-before)
			}
			if _, err := s.send(t.Context(), to("probe"), android); !errors.Is(err, errDown) || l.count() != before+1 {
				t.Errorf("the probe learns %v by %d requests", err, l.count()-before)
			}
		}
	})
}

// TestOneAsksAfterTheRest: when the time of a target has come, its messages do not
// all go at once: the first learns whether the target may be sent to again.
func TestOneAsksAfterTheRest(t *testing.T) {
	l := &line{answer: func(n int, _ string) reply {
		if n <= 2 {
			return reply{status: 429, retryAfter: "5", body: coded("QUOTA_EXCEEDED"), latency: 10 * time.Millisecond}
		}
		return reply{status: 200, latency: 10 * time.Millisecond}
	}}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		start := time.Now()
		if a, err := s.send(t.Context(), to("t"), android); err != nil || a.fate != again {
			t.Fatalf("%+v, %v", a, err)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				for {
					a, err := s.send(t.Context(), to("t"), android)
					if err != nil || a.fate == accepted {
						return
					}
					if !a.tried && a.wait <= 0 {
						t.Errorf("one who waits is told %+v", a)
					}
					time.Sleep(a.wait)
				}
			})
		}
		all.Wait()
		if len(l.times) != 12 || len(s.resting.targets) != 0 {
			t.Errorf("%d requests for 11 messages, 2 refused; %d targets rest", len(l.times), len(s.resting.targets))
		}
		for i, least := range []time.Duration{0, 5 * time.Second, 10 * time.Second, 10*time.Second + 20*time.Millisecond} {
			if at := l.times[i].Sub(start); at < least {
				t.Errorf("request %d came after %s, before its time", i+1, at)
			}
		}
	})
}
