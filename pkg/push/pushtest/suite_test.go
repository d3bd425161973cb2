package pushtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

func TestSuiteAcceptsAdapter(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"defaults":     "",
		"four workers": `{"concurrency":4,"buffer":16}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pushtest.TestHandler(t, pushtest.Subject{
				New: func(testing.TB) (push.Handler, func() int) {
					f := pushtest.AlwaysDelivers()
					return f, f.Count
				},
				Config:  config,
				Invalid: []string{"[]", "{", `{"buffer":"many"}`, `{"timeout":-1}`},
			})
		})
	}
}

func TestSuiteAcceptsStarts(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]func(context.Context, *push.Receipt) error{
		"at once": func(context.Context, *push.Receipt) error { return nil },
		"later": func(ctx context.Context, _ *push.Receipt) error {
			select {
			case <-time.After(time.Millisecond):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pushtest.TestHandler(t, pushtest.Subject{
				New: func(testing.TB) (push.Handler, func() int) {
					f := pushtest.Starts(handle)
					return f, f.Count
				},
				Config:  `{"concurrency":4,"buffer":16}`,
				Invalid: []string{"[]", "{", `{"buffer":"many"}`, `{"timeout":-1}`},
			})
		})
	}
}

func TestSuiteAcceptsSeedStyle(t *testing.T) {
	t.Parallel()
	pushtest.TestHandler(t, pushtest.Subject{
		New: func(testing.TB) (push.Handler, func() int) {
			s := pushtest.SeedStyle()
			return s, func() int { return len(s.Receipts()) }
		},
		Invalid: []string{"{", `{"enabled":1}`},
	})
}
