package broker_test

import (
	"strings"
	"testing"
	"time"
)

// deadline is how long a test waits for what must happen.
const deadline = 30 * time.Second

// eventually waits until ok.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(deadline)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			tb.Fatalf("after %s: not yet %s", deadline, what)
		}
	}
}

// wantError fails unless err says each of words.
func wantError(tb testing.TB, err error, words ...string) {
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
