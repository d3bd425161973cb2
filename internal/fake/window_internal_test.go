package fake

import (
	"testing"
	"time"
)

func TestAWindowBeginsWithTheFirstRequestAndEndsAMinuteLater(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 42, 0, time.UTC) // not on the minute
	var w Window
	for _, step := range []struct {
		after, wait time.Duration
	}{
		{0, 0},
		{10 * time.Second, 0},
		{20 * time.Second, 40 * time.Second},
		{59 * time.Second, time.Second},
		{60 * time.Second, 0},
		{61 * time.Second, 0},
		{62 * time.Second, 58 * time.Second},
	} {
		if got := w.Take(begin.Add(step.after), 2); got != step.wait {
			t.Errorf("after %v: wait %v, want %v", step.after, got, step.wait)
		}
	}
}
