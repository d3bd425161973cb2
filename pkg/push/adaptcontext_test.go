package push_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestAdapterTimeout(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]time.Duration{
		"":                  30 * time.Second,
		`{"timeout":"2s"}`:  2 * time.Second,
		`{"timeout":0.25}`:  250 * time.Millisecond,
		`{"timeout":"24h"}`: 24 * time.Hour,
	} {
		t.Run(config, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := adapted(t, config, func(ctx context.Context, _ *push.Receipt) error {
					<-ctx.Done()
					return &push.Undelivered{Err: ctx.Err()}
				})
				start := time.Now()
				got := make(outcomes, 1)
				got.give(t, h, 1)
				err := <-got
				if took := time.Since(start); took != want {
					t.Errorf("took %s, want %s", took, want)
				}
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `no outcome within `+want.String()) {
					t.Errorf("outcome is %v, want that the timeout has passed", err)
				}
				if _, ok := asType[*push.Undelivered](err); !ok || errors.Is(err, push.ErrNotStarted) {
					t.Errorf("outcome is %#v, want the handler's own within a plain failure", err)
				}
				h.Stop()
			})
		})
	}
}

// The context is made late; nobody may notice.
func TestAdapterContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	for name, look := range map[string]handle{
		"deadline": func(ctx context.Context, _ *push.Receipt) error {
			at, ok := ctx.Deadline()
			if !ok || time.Until(at) != time.Minute {
				return errors.New("deadline is not a minute away")
			}
			return nil
		},
		"error before the end": func(ctx context.Context, _ *push.Receipt) error { return errors.Join(ctx.Err(), context.Cause(ctx)) },
		"value": func(ctx context.Context, _ *push.Receipt) error {
			if ctx.Value(key{}) != nil {
				return errors.New("there is a value")
			}
			return nil
		},
		"channel is always the same": func(ctx context.Context, _ *push.Receipt) error {
			if first := ctx.Done(); first == nil || first != ctx.Done() {
				return errors.New("done changes, or is nil")
			}
			return nil
		},
		"first look after the end": func(ctx context.Context, _ *push.Receipt) error {
			<-time.After(2 * time.Minute)
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return errors.New("it has not ended")
			}
			return nil
		},
		"children end with it": func(ctx context.Context, _ *push.Receipt) error {
			child, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
			defer cancel()
			<-child.Done()
			if cause := context.Cause(child); !errors.Is(cause, context.DeadlineExceeded) {
				return errors.New("child's cause is another")
			}
			return nil
		},
		"children of their own deadline": func(ctx context.Context, _ *push.Receipt) error {
			child, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			<-child.Done()
			return ctx.Err()
		},
		"functions to call after it": func(ctx context.Context, _ *push.Receipt) error {
			called := make(chan struct{})
			context.AfterFunc(ctx, func() { close(called) })
			<-called
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := adapted(t, `{"timeout":"1m"}`, look)
				got := make(outcomes, 1)
				got.give(t, h, 1)
				if err := <-got; err != nil {
					t.Error(err)
				}
				h.Stop()
			})
		})
	}
}

// Whoever keeps the context beyond the work sees that it is over, whether it was
// looked at before or not.
func TestAdapterContextEndsWithTheWork(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]func(context.Context){
		"seen before": func(ctx context.Context) { _ = ctx.Err() },
		"seen after":  func(context.Context) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kept := make(chan context.Context, 1)
				h := adapted(t, "", func(ctx context.Context, _ *push.Receipt) error {
					look(ctx)
					kept <- ctx
					return nil
				})
				got := make(outcomes, 1)
				got.give(t, h, 1)
				if err := <-got; err != nil {
					t.Errorf("outcome is %v", err)
				}
				if err := (<-kept).Err(); !errors.Is(err, context.Canceled) {
					t.Errorf("context's error after the work is %v, want Canceled", err)
				}
				h.Stop()
			})
		})
	}
}
