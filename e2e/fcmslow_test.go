package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFCMRetryAfter: half of all answers are 429 that name a time, in seconds or as
// a date. Nobody is called before his time, everybody is told in the end, and those
// who may be called are not kept waiting.
func TestFCMRetryAfter(t *testing.T) {
	t.Parallel()
	const crowd, rate = 2500, 200
	w := newFCMWorld(t, "")
	w.crowd(crowd) // more than messages, so that each has a token of its own
	w.script(`{"nth":"1-4","probability":0.25,"answer":"quota-device","retry_after":"1-5"},` +
		`{"nth":"1-4","probability":0.3333,"answer":"quota-device","retry_after":"date 1-5"}`)
	w.worker()
	w.underLoad(crowd, rate, func() { elapse(t, 10*time.Second) })
	end := time.Now()
	w.drained()
	w.check(0)
	w.checkTimes(end)
}

// checkTimes compares the calls with what the 429s before them have allowed: none
// is early, and until end nine of ten of those that were allowed are made.
func (w *fcmWorld) checkTimes(end time.Time) {
	w.Helper()
	last := make(map[string]request)
	early, refused, allowed, made := 0, 0, 0, 0
	for _, r := range w.requests() { // in the order of a token's calls
		if before := last[r.Target]; before.Status == http.StatusTooManyRequests {
			if r.Time.Before(before.allowsAt(w.T)) {
				early++
			}
		}
		if r.Time.Before(end) {
			made++
		}
		if r.Status != http.StatusTooManyRequests {
			continue
		}
		refused++
		if r.allowsAt(w.T).Before(end) {
			allowed++
		}
		last[r.Target] = r
	}
	allowed += w.ledger.Confirmed() // the first call of each
	share := float64(made) / float64(allowed)
	w.Logf("%d refused, %d early; %d calls made of %d allowed: %.3f", refused, early, made, allowed, share)
	if early > 0 || refused < made/3 || share < 0.9 {
		w.Errorf("%d calls came before their time, %d of %d were refused, %.2f of those allowed were made", early, refused, made, share)
	}
}

// allowsAt is when a 429 allows the next call.
func (r *request) allowsAt(t *testing.T) time.Time {
	t.Helper()
	if seconds, err := strconv.Atoi(r.After); err == nil {
		return r.Time.Add(time.Duration(seconds) * time.Second)
	}
	at, err := http.ParseTime(r.After)
	if err != nil {
		t.Errorf("a 429 says Retry-After %q: %v", r.After, err)
	}
	return at
}

// TestFCMSlow: FCM takes longer than the handler waits. No more is asked at once
// than allowed, no receipt is with two workers, and memory stays flat.
func TestFCMSlow(t *testing.T) {
	t.Parallel()
	const crowd, inFlight, timeout = 200, 20, 3 * time.Second
	w := newFCMWorld(t, fmt.Sprintf(`,"max_in_flight":%d,"timeout":"%s","buffer":64`, inFlight, timeout))
	w.crowd(crowd)
	w.script(`{"answer":"accepted","latency":"8s"}`)
	workers := []*program{w.worker(), w.worker()}
	var first, last float64
	w.underLoad(crowd, 50, func() {
		elapse(t, 5*time.Second)
		first = metric(t, workers[0], "process_resident_memory_bytes")
		elapse(t, 8*time.Second)
		last = metric(t, workers[0], "process_resident_memory_bytes")
	})
	if s := w.stats(); s.MaxStreams > 2*inFlight+2 { // and the questions of this test
		t.Errorf("%d requests at once, want at most %d of each of 2 workers", s.MaxStreams, inFlight)
	}
	t.Logf("memory was %.0f MB and then %.0f MB", first/1e6, last/1e6)
	if last > first*1.2+10e6 {
		t.Errorf("memory grew from %.0f to %.0f bytes", first, last)
	}
	w.script(``)
	w.drained()
	w.checkApart(timeout)
	w.check(1 << 30)
	for _, p := range workers {
		if n := strings.Count(p.log(), "panic"); n != 0 {
			t.Errorf("a worker panicked:\n%s", p.log())
		}
	}
}

// checkApart wants that a message was not in work twice at a time: another attempt
// comes only when the one before has run out of time.
func (w *fcmWorld) checkApart(timeout time.Duration) {
	w.Helper()
	last := make(map[int]time.Time)
	for _, r := range w.requests() {
		if before, ok := last[r.seq()]; ok && r.Time.Sub(before) < timeout-time.Second {
			w.Errorf("message %d was asked for twice within %s", r.seq(), r.Time.Sub(before))
		}
		last[r.seq()] = r.Time
	}
}
