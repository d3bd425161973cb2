package pushtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// faulty is a good handler with some of its methods replaced.
type faulty struct {
	*push.Adapter
	init  func(good *push.Adapter, jsonconf string) error
	ready func(good *push.Adapter) bool
	stop  func(good *push.Adapter)
}

func (f faulty) Init(jsonconf string) error {
	if f.init != nil {
		return f.init(f.Adapter, jsonconf)
	}
	return f.Adapter.Init(jsonconf)
}

func (f faulty) IsReady() bool {
	if f.ready != nil {
		return f.ready(f.Adapter)
	}
	return f.Adapter.IsReady()
}

func (f faulty) Stop() {
	if f.stop != nil {
		f.stop(f.Adapter)
		return
	}
	f.Adapter.Stop()
}

// verdict collects what a check complains of.
type verdict struct {
	testing.TB
	mu         sync.Mutex
	complaints []string
}

func (v *verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.complaints = append(v.complaints, fmt.Sprintf(format, args...))
}

func (v *verdict) Error(args ...any) { v.Errorf("%s", fmt.Sprint(args...)) }

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	runtime.Goexit()
}

func (v *verdict) Fatal(args ...any) { v.Fatalf("%s", fmt.Sprint(args...)) }

// fault is one way to break a promise, and how the suite puts it.
type fault struct {
	check     string
	complaint string
	handle    func(context.Context, *push.Receipt) error
	with      func(release <-chan struct{}) faulty
	count     func() int
}

func faults() []fault {
	return []fault{
		{
			check: "before Init", complaint: "handler is ready before Init",
			with: func(<-chan struct{}) faulty { return faulty{ready: func(*push.Adapter) bool { return true }} },
		},
		{
			check: "disabled", complaint: "handler is ready although it is disabled",
			with: func(<-chan struct{}) faulty {
				return faulty{init: func(good *push.Adapter, _ string) error { return good.Init("") }}
			},
		},
		{
			check: "refused config", complaint: "want an error that says what is wrong",
			with: func(<-chan struct{}) faulty {
				return faulty{init: func(good *push.Adapter, _ string) error { return good.Init("") }}
			},
		},
		{
			check: "delivers", complaint: "Done was called again",
			handle: func(_ context.Context, r *push.Receipt) error { r.Done(nil); return nil },
		},
		{
			check: "delivers", complaint: "outcome is context canceled, want nil",
			handle: func(context.Context, *push.Receipt) error { return context.Canceled },
		},
		{
			check: "delivers", complaint: "not within 1m0s: what was taken is delivered",
			count: func() int { return 7 },
		},
		{
			check: "delivers", complaint: "not within 1m0s: each receipt taken has an outcome",
			handle: func(context.Context, *push.Receipt) error { runtime.Goexit(); return nil },
		},
		{
			check: "odd receipts", complaint: "handler panicked: interface conversion",
			handle: func(_ context.Context, r *push.Receipt) error {
				_ = r.Payload.Content.(json.RawMessage)
				return nil
			},
		},
		{
			check: "odd receipts", complaint: "handler wrote to the content of odd receipt 6",
			handle: func(_ context.Context, r *push.Receipt) error {
				if raw, ok := r.Payload.Content.(json.RawMessage); ok {
					raw[0] = 'X'
				}
				return nil
			},
		},
		{
			check: "stops", complaint: "handler is ready after Stop",
			with: func(<-chan struct{}) faulty { return faulty{ready: func(*push.Adapter) bool { return true }} },
		},
		{
			check: "stops", complaint: "does not return within 1m0s: Stop",
			with: func(release <-chan struct{}) faulty {
				stops := 0
				return faulty{stop: func(good *push.Adapter) {
					good.Stop()
					if stops++; stops == 3 {
						<-release
					}
				}}
			},
		},
		{
			check: "stops", complaint: "sending on the handler's channel panicked",
			with: func(<-chan struct{}) faulty {
				var once sync.Once
				return faulty{stop: func(good *push.Adapter) {
					good.Stop()
					once.Do(func() { close(good.Push()) })
				}}
			},
		},
		losesWhileItStops(),
		{
			check: "drains", complaint: "handler is ready after Drain",
			with: func(<-chan struct{}) faulty { return faulty{ready: func(*push.Adapter) bool { return true }} },
		},
		{
			check: "drains", complaint: "goroutines are left",
			with: func(release <-chan struct{}) faulty {
				return faulty{init: func(good *push.Adapter, jsonconf string) error {
					go func() { <-release }()
					return good.Init(jsonconf)
				}}
			},
		},
		{
			check: "starts again", complaint: "handler is already initialised",
			with: func(<-chan struct{}) faulty { return faulty{stop: func(*push.Adapter) {}} },
		},
	}
}

// losesWhileItStops is the fault of a handler that forgets what it has begun. It stops
// when there is something to forget: a receipt that waits in the channel is handed back.
func losesWhileItStops() fault {
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	return fault{
		check: "stops any time", complaint: "not within 1m0s: each receipt taken has an outcome",
		handle: func(context.Context, *push.Receipt) error { begin(); runtime.Goexit(); return nil },
		with: func(<-chan struct{}) faulty {
			return faulty{stop: func(good *push.Adapter) { <-begun; good.Stop() }}
		},
	}
}

// TestSuiteFindsFaults runs single checks against handlers with one fault each. In
// the bubble the suite's patience costs no time.
func TestSuiteFindsFaults(t *testing.T) {
	t.Parallel()
	for _, f := range faults() {
		t.Run(f.check+": "+f.complaint, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				complaints := f.examine(t)
				if !strings.Contains(complaints, f.complaint) {
					t.Errorf("complaints are %q, want %q among them", complaints, f.complaint)
				}
			})
		})
	}
}

// examine returns the suite's complaints about a handler with the fault.
func (f fault) examine(t *testing.T) string {
	t.Helper()
	release := make(chan struct{})
	handle := f.handle
	if handle == nil {
		handle = func(context.Context, *push.Receipt) error { return nil }
	}
	fake := pushtest.Handles(handle)
	var subject faulty
	if f.with != nil {
		subject = f.with(release)
	}
	subject.Adapter = fake.Adapter
	count := f.count
	if count == nil {
		count = fake.Count
	}
	v := &verdict{TB: t}
	var check sync.WaitGroup
	check.Go(func() {
		pushtest.Examine(v, pushtest.Subject{
			New:     func(testing.TB) (push.Handler, func() int) { return subject, count },
			Invalid: []string{"["},
		}, f.check)
	})
	check.Wait()
	close(release)
	fake.Stop()
	return strings.Join(v.complaints, "\n")
}
