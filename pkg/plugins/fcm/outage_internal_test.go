package fcm

import (
	"errors"
	"strconv"
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
		if a, err := s.send(t.Context(), to("rests"), android); err != nil || a.fate != slowDevice {
			t.Fatalf("%+v, %v", a, err)
		}
		attempts := 0
		for i := range 2 * outageSamples {
			if a, err := s.send(t.Context(), to("t"+strconv.Itoa(i)), android); err == nil && a.tried {
				attempts++
			}
		}
		if attempts > outageSamples {
			t.Errorf("%d attempts until the outage was known, want at most %d", attempts, outageSamples)
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
