package pushtest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// patience is how long the suite waits for what must happen. A handler may take the
// 30 s of its timeout for a receipt, as one to 10,000 users on a busy machine does, and
// tells the outcome then.
const patience = time.Minute

// eventually waits until cond holds, and ends the test if it never does.
func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	if !await(cond) {
		tb.Fatalf("not within %s: %s", patience, what)
	}
}

// await waits until cond holds, and reports whether it did in time. It looks after
// 1 ms, and then less and less often, down to once in 100 ms.
func await(cond func() bool) bool {
	pause := time.Millisecond
	for end := time.Now().Add(patience); !cond(); pause = min(2*pause, 100*time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
		<-time.After(pause)
	}
	return true
}

// within runs f and fails if it does not return.
func within(tb testing.TB, what string, f func()) {
	tb.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		tb.Fatalf("does not return within %s: %s", patience, what)
	}
}

// noneLeft runs f and checks that the goroutines which it started have ended.
// They are told from others by a profiler label, which a goroutine inherits.
func noneLeft(tb testing.TB, f func()) {
	tb.Helper()
	const key = "pushtest"
	pprof.Do(tb.Context(), pprof.Labels(key, tb.Name()), func(context.Context) { f() })
	label := fmt.Sprintf("%q:%q", key, tb.Name())
	if !await(func() bool { return labelled(label) == "" }) {
		tb.Errorf("goroutines are left:\n%s", labelled(label))
	}
}

// labelled returns the stacks of the goroutines that carry label.
func labelled(label string) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return err.Error()
	}
	var stacks []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, label) {
			stacks = append(stacks, stack)
		}
	}
	return strings.Join(stacks, "\n\n")
}
