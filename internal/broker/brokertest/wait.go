package brokertest

import (
	"context"
	"strings"
	"testing"
	"time"
)

// Deadline is how long a test waits for what must happen. Only what never happens takes so long,
// however busy the machine is.
const Deadline = 2 * time.Minute

// Eventually waits until ok, which it asks for a fifth of the time at most.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	const often, pause = 5 * time.Millisecond, 4
	end := time.After(Deadline)
	for {
		began := time.Now()
		if ok() {
			return
		}
		select {
		case <-time.After(max(often, pause*time.Since(began))):
		case <-end:
			tb.Fatalf("after %s: not yet %s", Deadline, what)
		}
	}
}

// Run has serve run until the test ends, which fails if serve does.
func Run(tb testing.TB, serve func(context.Context) error) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("Run: %v", err)
		}
	})
}

// WantError fails unless err says each of words.
func WantError(tb testing.TB, err error, words ...string) {
	tb.Helper()
	if err == nil {
		tb.Fatalf("no error; want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			tb.Errorf("error %q does not say %q", err, w)
		}
	}
}
