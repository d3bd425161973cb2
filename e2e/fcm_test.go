package e2e_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

// crowdSize is how many recipients the large receipts of these tests have.
const crowdSize = 500

func everyone() []push.Uid {
	users := make([]push.Uid, crowdSize)
	for i := range users {
		users[i] = userOf(i + 1)
	}
	return users
}

// TestFCMOnlyWhatFailedIsRepeated: of 500 recipients three fail twice. They are
// asked three times, and nobody else is asked again.
func TestFCMOnlyWhatFailedIsRepeated(t *testing.T) {
	t.Parallel()
	w := newFCMWorld(t, "")
	w.crowd(crowdSize)
	w.script(`{"token":"token-0007","nth":"1-2","answer":"internal"},` +
		`{"token":"token-0250","nth":"1-2","answer":"unavailable"},` +
		`{"token":"token-0499","nth":"1-2","answer":"reset"}`)
	w.worker()
	w.publish(w.message(everyone()...))
	w.arrived(crowdSize)
	w.drained()
	got := make(map[int64]int)
	for _, n := range w.stats().Targets {
		if n.Accepted != 1 {
			t.Errorf("a token was accepted %d times", n.Accepted)
		}
		got[n.Requests]++
	}
	if diff := cmp.Diff(map[int64]int{1: crowdSize - 3, 3: 3}, got); diff != "" {
		t.Errorf("tokens by number of requests (-want +got):\n%s", diff)
	}
	if n := w.letters(); n != 0 {
		t.Errorf("%d letters", n)
	}
}

// TestFCMWorkerKilled: workers die in the middle of large receipts. Everybody is
// told, and again only who had been told by the attempt that died unsettled.
func TestFCMWorkerKilled(t *testing.T) {
	t.Parallel()
	const rounds = 6
	w := newFCMWorld(t, "")
	w.crowd(crowdSize)
	w.script(`{"latency":"40ms"}`)
	worker := w.worker()
	sent := make(map[int]int) // by message: requests when the worker died
	for seq := 1; seq <= rounds; seq++ {
		before, moment := w.stats().Requests, 1+rand.Int64N(crowdSize-1)
		w.publish(w.message(everyone()...))
		await(t, patience, "the receipt is half sent", func() bool { return w.stats().Requests-before >= moment })
		worker.Kill()
		sent[seq] = int(w.lastRequest() - before)
		worker = w.worker()
		await(t, patience, "everybody is told", func() bool { return w.told(seq) == crowdSize })
		w.drained()
	}
	repeated := make(map[int]int)
	for d, n := range w.deliveries() {
		repeated[d.seq] += n - 1
		if n > 2 {
			t.Errorf("message %d was accepted %d times for %s; a worker died once in it", d.seq, n, d.target)
		}
	}
	for seq, n := range sent {
		t.Logf("message %d: killed after %d requests, %d repeated", seq, n, repeated[seq])
		if repeated[seq] > n {
			t.Errorf("message %d: %d were told again of %d", seq, repeated[seq], n)
		}
	}
	w.check(rounds)
}

// lastRequest counts the requests when no more can come. What a dead worker had sent
// reaches the fake after its death, but not after the end of its connections; then only
// ours, with the request that asks, is left.
func (w *fcmWorld) lastRequest() (n int64) {
	w.Helper()
	await(w.T, patience, "the dead worker's connections end", func() bool {
		s := w.stats()
		n = s.Requests
		return s.Open <= 1 && s.Streams <= 1
	})
	return n
}

// told counts who has been told of a message.
func (w *fcmWorld) told(seq int) (n int) {
	for d := range w.deliveries() {
		if d.seq == seq {
			n++
		}
	}
	return n
}
