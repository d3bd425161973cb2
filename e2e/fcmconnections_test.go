package e2e_test

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestFCMConnections: under load all connections to FCM are reset, drained, closed,
// and left half-open, one after the other. No lane is stuck, nothing is lost, and
// five seconds later pushes are as quick as in the second before it, which is within two
// seconds on a machine that can do the work.
func TestFCMConnections(t *testing.T) {
	t.Parallel()
	const crowd, rate = 300, 150
	w := newFCMWorld(t, `,"ramp":"1s"`)
	w.crowd(crowd)
	w.script(`{"latency":"50ms"}`) // so that requests are in work at every moment
	worker := w.worker()
	slow, rounds := []string{"cut", "goaway", "close", "freeze"}, 0
	for ; len(slow) > 0 && rounds < 4; rounds++ { // a busy machine is slow now and then, and a stuck connection each time
		slow = w.slowAfter(slow, crowd, rate)
	}
	if len(slow) > 0 {
		t.Errorf("5 s after %v pushes still take as long as with a stuck connection, each of %d times", slow, rounds)
	}
	w.check(rounds * 4 * 720) // of requests whose answer was lost with a connection
	if n := metric(t, worker, `pushworker_lane_breaker_open`); n != 0 {
		t.Error("the lane is paused in the end")
	}
}

// slowAfter does that to all connections under load, one after the other, and returns after what
// pushes were still slow.
func (w *fcmWorld) slowAfter(all []string, crowd, rate int) (slow []string) {
	w.Helper()
	type spell struct {
		what             string
		before, from, to time.Time
	}
	var spells []spell
	w.underLoad(crowd, rate, func() {
		w.arrived(w.stats().Accepted + int64(rate/2))
		for _, do := range all {
			elapse(w.T, time.Second)
			w.ask(http.MethodPost, "/fake/connections?do="+do, "")
			killed := time.Now()
			elapse(w.T, 7*time.Second)
			spells = append(spells, spell{do, killed.Add(-time.Second), killed.Add(5 * time.Second), time.Now()})
		}
	})
	w.drained()
	took := w.durations()
	for _, s := range spells {
		p99, before := took.p99(s.from, s.to), took.p99(s.before, s.before.Add(500*time.Millisecond))
		w.Logf("5 s after %s: p99 from publish to acceptance is %s, %s before it", s.what, p99.Round(time.Millisecond), before.Round(time.Millisecond))
		if p99 > max(2*time.Second, 2*before) { // a stuck connection costs three, a timeout fifteen
			slow = append(slow, s.what)
		}
	}
	return slow
}

// durations are the times from publish to first acceptance, by time of publish.
type durations []struct {
	published time.Time
	took      time.Duration
}

func (w *fcmWorld) durations() (all durations) {
	w.Helper()
	seen := make(map[int]bool)
	for _, r := range w.requests() {
		if seq := r.seq(); r.Accepted && !seen[seq] {
			seen[seq] = true
			at, err := time.Parse(time.RFC3339, r.Body.Message.Data["ts"])
			if err != nil {
				w.Errorf("message %d has no time: %v", seq, err)
			}
			all = append(all, struct {
				published time.Time
				took      time.Duration
			}{at, r.Time.Sub(at)})
		}
	}
	return all
}

// p99 is the 99th percentile of those published in between.
func (d durations) p99(from, to time.Time) time.Duration {
	var some []time.Duration
	for _, one := range d {
		if one.published.After(from) && one.published.Before(to) {
			some = append(some, one.took)
		}
	}
	if len(some) == 0 {
		return time.Hour
	}
	slices.Sort(some)
	return some[len(some)*99/100]
}
