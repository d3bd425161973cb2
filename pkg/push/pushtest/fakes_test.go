package pushtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// outcome has h handle one receipt and returns what it reports, in a bubble.
func outcome(t *testing.T, h push.Handler, meanwhile func()) error {
	t.Helper()
	if err := h.Init(""); err != nil {
		t.Fatal(err)
	}
	settled := make(chan error, 1)
	r := &push.Receipt{}
	r.OnDone(func(err error) { settled <- err })
	h.Push() <- r
	synctest.Wait()
	meanwhile()
	err := <-settled
	h.Stop()
	return err
}

func TestFakesBehaveAsNamed(t *testing.T) {
	t.Parallel()
	errDown := errors.New("down")
	for name, tt := range map[string]struct {
		fake func() (push.Handler, func())
		want error
	}{
		"AlwaysDelivers": {func() (push.Handler, func()) { return pushtest.AlwaysDelivers(), func() {} }, nil},
		"AlwaysFails":    {func() (push.Handler, func()) { return pushtest.AlwaysFails(errDown), func() {} }, errDown},
		"Blocks, released": {func() (push.Handler, func()) {
			h := pushtest.Blocks()
			return h, func() { h.Release(); h.Release() }
		}, nil},
		"Blocks, stopped": {func() (push.Handler, func()) {
			h := pushtest.Blocks()
			return h, h.Stop
		}, push.ErrNotStarted},
		"Hangs, stopped and released": {func() (push.Handler, func()) {
			h := pushtest.Hangs()
			return h, func() {
				h.Stop()
				h.Release()
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, meanwhile := tt.fake()
				if err := outcome(t, h, meanwhile); !errors.Is(err, tt.want) {
					t.Errorf("outcome is %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestPanicsPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pushtest.Panics("boom")
		p := new(push.PanicError)
		if !errors.As(outcome(t, h, func() {}), &p) || p.Value != "boom" || h.Count() != 1 || len(h.Receipts()) != 1 {
			t.Errorf("outcome is %+v after %d receipts", p, h.Count())
		}
	})
}

func TestHangsIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pushtest.Hangs()
		_ = outcome(t, h, func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := h.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Drain = %v, want that time was up", err)
			}
			h.Release()
		})
	})
}

func TestDeafHandlersTakeNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler push.Handler
		ready   bool
	}{
		"NeverReady": {pushtest.NeverReady(), false},
		"NeverTakes": {pushtest.NeverTakes(), true},
	} {
		if err := tt.handler.Init(""); err != nil {
			t.Errorf("%s: Init = %v", name, err)
		}
		if got := tt.handler.IsReady(); got != tt.ready {
			t.Errorf("%s: IsReady = %t", name, got)
		}
		select {
		case tt.handler.Push() <- &push.Receipt{}:
			t.Errorf("%s: took a receipt", name)
		default:
		}
		tt.handler.Stop()
	}
}
