package sleep_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/sleep"
)

func TestFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ends, want time.Duration
		err        error
	}{
		"to the end":         {time.Minute, time.Second, nil},
		"until the context":  {time.Millisecond, time.Millisecond, context.DeadlineExceeded},
		"context that ended": {0, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.ends)
				defer cancel()
				start := time.Now()
				if err := sleep.For(ctx, time.Second); !errors.Is(err, c.err) || time.Since(start) != c.want {
					t.Errorf("For = %v after %s, want %v after %s", err, time.Since(start), c.err, c.want)
				}
			})
		})
	}
}

func TestPast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		past, stop := sleep.Past(ctx, time.Second)
		defer stop()
		start := time.Now()
		<-past.Done()
		if took := time.Since(start); took != time.Minute+time.Second || !errors.Is(context.Cause(past), context.DeadlineExceeded) {
			t.Errorf("it ended after %v with %v, want a second after its parent", took, context.Cause(past))
		}
		stopped, stop := sleep.Past(ctx, time.Hour)
		stop()
		if stopped.Err() == nil {
			t.Error("it goes on after stop")
		}
	})
}
