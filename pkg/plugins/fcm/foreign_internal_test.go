package fcm

import (
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestWrongProjectDoesNotEmptyTheDirectory: single devices of another project are
// gone; when it is all of them, the project is wrong, and sending pauses until one
// device is ours.
func TestWrongProjectDoesNotEmptyTheDirectory(t *testing.T) {
	var ours atomic.Bool
	l := &line{answer: func(_ int, token string) reply {
		if ours.Load() || strings.HasPrefix(token, "ours") {
			return reply{status: 200}
		}
		return reply{status: 403, body: coded("SENDER_ID_MISMATCH")}
	}}
	bubble(t, l, sending{}, goodKey, func(t *testing.T, s *sender) {
		t.Helper()
		send := func(token string) (answer, error) { return s.send(t.Context(), to(token), android) }
		for i := range 2 * foreignStreak { // one in ten is ours
			a, err := send([]string{"ours", "theirs"}[min(1, i%10)] + strconv.Itoa(i))
			if err != nil || a.fate != accepted && a.fate != gone {
				t.Fatalf("message %d: %+v, %v", i, a, err)
			}
		}
		removed := 0
		for i := range 5 * foreignStreak {
			if a, err := send("x" + strconv.Itoa(i)); err == nil && a.fate == gone {
				removed++
			} else if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "project_id") {
				t.Fatalf("message %d: %+v, %v", i, a, err)
			}
			time.Sleep(time.Second) // each is the probe
		}
		if removed == 0 || removed >= foreignStreak {
			t.Errorf("%d devices were removed, want fewer than %d", removed, foreignStreak)
		}
		ours.Store(true)
		time.Sleep(time.Minute)
		if a, err := send("x"); err != nil || a.fate != accepted {
			t.Errorf("after the credentials were replaced: %+v, %v", a, err)
		}
	})
}
