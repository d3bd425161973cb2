// Package sleep is for waits that end early with their context. It knows nothing of
// what is waited for.
package sleep

import (
	"context"
	"time"
)

// For waits for d, or until ctx ends, whose error it then returns.
//
// It makes no timer where nothing is to be waited for: a channel timer that is due already
// runs in the goroutine that asks, and two at once in one synctest bubble crash the race
// detector (https://go.dev/issue/78156).
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Past returns a context with ctx's values that ends d after ctx has ended: for work
// that begins when ctx ends and has a limit. Call stop when that work is over.
func Past(ctx context.Context, d time.Duration) (past context.Context, stop context.CancelFunc) {
	past, end := context.WithCancelCause(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		_ = For(past, d)
		end(context.DeadlineExceeded)
	})
	return past, func() {
		forget()
		end(context.Canceled)
	}
}
