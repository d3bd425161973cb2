package push_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestDrainWaitsForTheEnd: once the work has been cancelled and has ended, a drain that has
// time waits for what ends the handler, however long that takes, and has nothing to
// complain of: it had to cancel nothing.
func TestDrainWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Handle: func(ctx context.Context, _ *push.Receipt) error { <-ctx.Done(); return ctx.Err() },
				Close:  func() { time.Sleep(3 * time.Second) },
			}, nil
		})
		if err := h.Init(""); err != nil {
			t.Fatal(err)
		}
		got := make(outcomes, 1)
		got.give(t, h, 1)
		synctest.Wait()
		if took, err := drain(t, h, 0); took != 500*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v after %s, want that its time was up, after a moment", err, took)
		}
		if took, err := drain(t, h, time.Second); took != time.Second || err == nil {
			t.Errorf("Drain with too little time = %v after %s, want an error after 1s", err, took)
		}
		if took, err := drain(t, h, time.Hour); took != 1500*time.Millisecond || err != nil {
			t.Errorf("Drain with time = %v after %s, want none after the rest of 3s", err, took)
		}
	})
}
