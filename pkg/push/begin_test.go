package push_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestBegin: a receipt is handled when its turn has come, its time counts from then,
// and who still waits when the handler stops is handed back at once.
func TestBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turn := make(chan struct{})
		ended := 0
		h := push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Begin: func(ctx context.Context, r *push.Receipt) (func(), error) {
					if r.Payload.SeqId == 9 {
						panic("begin")
					}
					select {
					case <-turn:
						return func() { ended++ }, nil
					case <-ctx.Done():
						return nil, context.Cause(ctx)
					}
				},
				Handle: func(ctx context.Context, _ *push.Receipt) error {
					if until, _ := ctx.Deadline(); time.Until(until) != 2*time.Second {
						t.Errorf("%v are left, want the whole timeout", time.Until(until))
					}
					return nil
				},
				Concurrency: 3,
			}, nil
		})
		if err := h.Init(`{"timeout":"2s"}`); err != nil {
			t.Fatal(err)
		}
		offer := func(seq int) <-chan error {
			outcome := make(chan error, 1)
			r := &push.Receipt{Payload: push.Payload{SeqId: seq}}
			r.OnDone(func(err error) { outcome <- err })
			h.Push() <- r
			return outcome
		}
		first, second, panics := offer(1), offer(2), offer(9)
		<-time.After(time.Minute)
		turn <- struct{}{}
		var one error
		select {
		case one = <-first:
		case one = <-second:
			second = first
		}
		if one != nil || ended != 1 {
			t.Errorf("outcome is %v, ended %d times", one, ended)
		}
		if _, ok := errors.AsType[*push.PanicError](<-panics); !ok {
			t.Error("a panic of Begin is not an outcome")
		}
		stopping := time.Now()
		if err := h.Drain(t.Context()); err != nil || time.Since(stopping) != 0 {
			t.Errorf("Drain: %v after %s", err, time.Since(stopping))
		}
		if err := <-second; !errors.Is(err, push.ErrNotStarted) || errors.Is(err, push.ErrInterrupted) {
			t.Errorf("who waited is told %v, want that it was not started", err)
		}
	})
}
