package e2e_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestFCMOutage: FCM is down for half a minute under load, first with 503, then with
// connections that are closed, then refused. Two workers ask it once a second each,
// the lane beside it does not notice, and afterwards everything arrives.
func TestFCMOutage(t *testing.T) {
	t.Parallel()
	const crowd, rate, workers = 200, 100, 2
	w := newFCMWorld(t, `,"ramp":"1s"`)
	w.crowd(crowd)
	var all [workers]*program
	for i := range all {
		all[i] = w.worker(w.handlers(`,{"name":"stdout"}`))
	}
	var over time.Time
	w.underLoad(crowd, rate, func() {
		await(t, patience, "pushes arrive", func() bool { return w.stats().Accepted > rate })
		w.refusing(13*time.Second, workers)
		for _, p := range all {
			if !strings.Contains(p.log(), "provider unavailable") || metric(t, p, `pushworker_lane_breaker_open{handler="fcm"}`) != 1 {
				t.Errorf("a worker does not say that FCM is down:\n%s", p.log())
			}
		}
		w.fake.Kill()
		w.closing(10*time.Second, workers)
		elapse(t, 5*time.Second) // nobody listens
		printed := 0
		for _, p := range all {
			printed += len(p.lines())
		}
		if confirmed := w.ledger.Confirmed(); confirmed-printed > 2*rate {
			t.Errorf("the lane beside it is behind: %d of %d", printed, confirmed)
		}
		w.startFake("--any-token")
		over = time.Now()
	})
	w.drained("stdout")
	t.Logf("the backlog of half a minute at %d/s was gone %s after the outage", rate, time.Since(over).Round(time.Millisecond))
	w.check(workers * 720) // of requests that were on their way when the fake was killed
	for _, p := range all {
		if n := metric(t, p, `pushworker_dead_letters_total`); n != 0 {
			t.Errorf("%v letters", n)
		}
	}
}

// elapse lets time pass; what happens meanwhile is looked at afterwards.
func elapse(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// refusing has the fake answer 503 for d, and counts who asks once it is known.
func (w *fcmWorld) refusing(d time.Duration, workers int) {
	w.Helper()
	w.script(`{"answer":"unavailable"}`)
	elapse(w.T, 3*time.Second) // some have been on their way
	before := w.stats().Status["503"]
	elapse(w.T, d-3*time.Second)
	w.wantProbes(int(w.stats().Status["503"]-before), d-3*time.Second, workers)
}

// closing takes the fake's place and closes every connection at once.
func (w *fcmWorld) closing(d time.Duration, workers int) {
	w.Helper()
	listener, err := net.Listen("tcp", w.fakeAddr)
	if err != nil {
		w.Fatal(err)
	}
	var calls atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = conn.Close()
		}
	}()
	elapse(w.T, d)
	w.wantProbes(int(calls.Load()), d, workers)
	closed(w.T, listener)
}

// wantProbes wants about one call a second of each worker.
func (w *fcmWorld) wantProbes(n int, d time.Duration, workers int) {
	w.Helper()
	w.Logf("%d probes of %d workers in %s", n, workers, d)
	most := workers * (int(d/time.Second) + 1)
	if n > most || n < most/4 {
		w.Errorf("%d probes of %d workers in %s, want at most %d, and not many fewer", n, workers, d, most)
	}
}
