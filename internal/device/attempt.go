package device

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// maxAttempts is how often a change is begun anew after a conflict, with pauses
	// of up to maxPause: 4 seconds altogether on average.
	maxAttempts = 64
	maxPause    = 128 * time.Millisecond
)

// ErrBusy says that others changed the same user or token all the time.
var ErrBusy = errors.New("other processes keep changing the same user: try again")

// attempt calls change until it meets no conflict.
func attempt(ctx context.Context, change func() error) error {
	for n := range maxAttempts {
		if err := pause(ctx, n); err != nil {
			return err
		}
		if err := change(); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrBusy
}

// pause waits before the n-th try, counted from 0, which waits for nobody.
func pause(ctx context.Context, n int) error {
	if n == 0 {
		return nil
	}
	if sleep.For(ctx, rand.N(min(time.Millisecond<<min(n-1, 20), maxPause))) != nil { //nolint:gosec // a jitter needs no secrecy
		return context.Cause(ctx)
	}
	return nil
}
