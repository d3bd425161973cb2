package push_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/pkg/push"
)

type handle = func(context.Context, *push.Receipt) error

// adapted starts a handler made of f.
func adapted(t *testing.T, config string, f handle) *push.Adapter {
	t.Helper()
	h := push.Adapt(func(string) (push.Work, error) { return push.Work{Handle: f}, nil })
	if err := h.Init(config); err != nil {
		t.Fatal(err)
	}
	return h
}

// outcomes collects what is reported for the receipts it makes.
type outcomes chan error

func (o outcomes) receipt() *push.Receipt {
	r := &push.Receipt{}
	r.OnDone(func(err error) { o <- err })
	return r
}

// give has h take n receipts.
func (o outcomes) give(t *testing.T, h push.Handler, n int) {
	t.Helper()
	for i := range n {
		if !o.offer(h) {
			t.Fatalf("receipt %d of %d was not taken", i+1, n)
		}
	}
}

func (o outcomes) offer(h push.Handler) bool {
	select {
	case h.Push() <- o.receipt():
		return true
	default:
		return false
	}
}

func TestAdapterReportsOutcomes(t *testing.T) {
	t.Parallel()
	errPlain := errors.New("try again")
	for name, want := range map[string]error{
		"delivered":                 nil,
		"plain":                     errPlain,
		"permanent":                 push.Permanent(errPlain),
		"retry after":               push.RetryAfter(errPlain, time.Minute),
		"unavailable":               push.Unavailable(errPlain),
		"expired":                   push.ErrExpired,
		"undelivered":               &push.Undelivered{Err: errPlain},
		"its own, shorter deadline": context.DeadlineExceeded,
		"cancelled by itself":       context.Canceled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := adapted(t, "", func(context.Context, *push.Receipt) error { return want })
			defer h.Stop()
			got := make(outcomes)
			got.give(t, h, 1)
			if err := <-got; err != want { //nolint:errorlint // want the very same
				t.Errorf("outcome is %#v, want %#v", err, want)
			}
		})
	}
}

func TestAdapterTurnsPanicsIntoErrors(t *testing.T) {
	t.Parallel()
	calls := 0
	h := adapted(t, "", func(context.Context, *push.Receipt) error {
		if calls++; calls == 1 {
			panicsWith("secret")
		}
		return nil
	})
	defer h.Stop()
	got := make(outcomes, 2)
	got.give(t, h, 2)
	err := <-got
	p, ok := asType[*push.PanicError](err)
	if !ok || p.Value != "secret" || !strings.Contains(string(p.Stack), "panicsWith") {
		t.Errorf("outcome is %#v, want a PanicError with the value and the stack", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error text shows the value: %v", err)
	}
	if err := <-got; err != nil {
		t.Errorf("outcome after the panic is %v", err)
	}
}

func panicsWith(v any) { panic(v) }

func TestAdapterBoundsWorkersAndBuffer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config        string
		own           int
		workers, room int
	}{
		"defaults":        {"", 0, 1, 1024},
		"handler's own":   {`{"buffer":5}`, 3, 3, 5},
		"config's":        {`{"buffer":1,"concurrency":2}`, 3, 2, 1},
		"negative buffer": {`{"buffer":-3}`, 0, 1, 1024},
		"many workers":    {"", 800, 800, 1200}, // so that a lane, which leaves a quarter to retries, fills them
		"config's many":   {`{"concurrency":900}`, 1, 900, 1350},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var running atomic.Int32
				release := make(chan struct{})
				h := push.Adapt(func(string) (push.Work, error) {
					return push.Work{Concurrency: tt.own, Handle: func(context.Context, *push.Receipt) error {
						running.Add(1)
						defer running.Add(-1)
						<-release
						return nil
					}}, nil
				})
				if err := h.Init(tt.config); err != nil {
					t.Fatal(err)
				}
				got := make(outcomes, 3000)
				for range tt.workers {
					got.give(t, h, 1)
					synctest.Wait()
				}
				got.give(t, h, tt.room)
				synctest.Wait()
				if n := int(running.Load()); n != tt.workers {
					t.Errorf("%d receipts in work, want %d", n, tt.workers)
				}
				if got.offer(h) {
					t.Errorf("a receipt was taken beyond a buffer of %d", tt.room)
				}
				close(release)
				for range tt.workers + tt.room {
					if err := <-got; err != nil {
						t.Errorf("outcome is %v", err)
					}
				}
				h.Stop()
			})
		})
	}
}

func TestAdapterInit(t *testing.T) {
	t.Parallel()
	errKeys := errors.New("no credentials: give some")
	good := push.Work{Handle: func(context.Context, *push.Receipt) error { return nil }}
	for name, tt := range map[string]struct {
		config     string
		work       push.Work
		err        error
		setups     []string
		faults     []string
		notEnabled bool
	}{
		"no config":     {config: "", work: good, setups: []string{""}},
		"verbatim":      {config: ` {"x" : 1.0 } `, work: good, setups: []string{` {"x" : 1.0 } `}},
		"disabled":      {config: `{"enabled":false}`, err: errKeys, notEnabled: true},
		"no JSON":       {config: `{`, work: good, faults: []string{"config is not usable"}},
		"common fault":  {config: `{"buffer":"x"}`, work: good, setups: []string{`{"buffer":"x"}`}, faults: []string{`key "buffer" is`}},
		"setup's fault": {config: `{}`, err: errKeys, setups: []string{"{}"}, faults: []string{"no credentials"}},
		"both": {
			config: `{"timeout":-1}`, err: errKeys, setups: []string{`{"timeout":-1}`},
			faults: []string{`key "timeout" is negative`, "no credentials"},
		},
		"no Handle": {config: "", setups: []string{""}, faults: []string{"handler has not exactly one of the functions Handle and Start"}},
		"two ways": {config: "", setups: []string{""}, faults: []string{"handler has not exactly one of the functions Handle and Start"}, work: push.Work{
			Handle: good.Handle, Start: func(context.Context, *push.Receipt, func(error)) {},
		}},
		"disabled and at fault": {
			config: `{"enabled":false,"timeout":-1}`, err: errKeys, setups: []string{`{"enabled":false,"timeout":-1}`},
			faults: []string{`key "timeout" is negative`, "no credentials"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // in which a worker left behind is a failure
				var setups []string
				opened, closed := 0, 0
				h := push.Adapt(func(config string) (push.Work, error) {
					setups = append(setups, config)
					if tt.err != nil {
						return push.Work{}, tt.err
					}
					opened++
					work := tt.work
					work.Close = func() { closed++ }
					return work, nil
				})
				if h.IsReady() || h.Push() != nil {
					t.Error("handler takes receipts before Init")
				}
				err := h.Init(tt.config)
				wantFaults(t, err, tt.faults)
				if diff := cmp.Diff(tt.setups, setups, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("setup was given (-want +got):\n%s", diff)
				}
				if ready := err == nil && !tt.notEnabled; h.IsReady() != ready || (h.Push() != nil) != ready {
					t.Errorf("ready is %t, want %t", h.IsReady(), ready)
				}
				if err != nil && opened != closed {
					t.Errorf("opened %d times, closed %d times", opened, closed)
				}
				h.Stop()
				if opened != closed {
					t.Errorf("opened %d times, closed %d times after Stop", opened, closed)
				}
			})
		})
	}
}

func TestAdapterInitAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := adapted(t, `{"buffer":1}`, func(context.Context, *push.Receipt) error { return nil })
		if err := h.Init(""); err == nil || !strings.Contains(err.Error(), "already initialised") {
			t.Errorf("second Init = %v", err)
		}
		before := h.Push()
		h.Stop()
		if err := h.Init(`{"buffer":3}`); err != nil {
			t.Fatal(err)
		}
		if h.Push() == before || cap(h.Push()) != 3 {
			t.Error("handler goes on with its old channel")
		}
		got := make(outcomes, 1)
		got.give(t, h, 1)
		if err := <-got; err != nil {
			t.Errorf("outcome is %v", err)
		}
		h.Stop()
		if err := h.Init(`{"enabled":false}`); err != nil || h.IsReady() {
			t.Errorf("Init = %v, ready is %t", err, h.IsReady())
		}
	})
}

func TestAdapterTTL(t *testing.T) {
	t.Parallel()
	r := &push.Receipt{Payload: push.Payload{SeqId: 7}}
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{
			Handle: func(context.Context, *push.Receipt) error { return nil },
			TTL:    func(r *push.Receipt) time.Duration { return time.Duration(r.Payload.SeqId) * time.Hour },
		}, nil
	})
	if got := h.TTL(r); got != 0 {
		t.Errorf("TTL before Init is %s", got)
	}
	if err := h.Init(""); err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	if got := h.TTL(r); got != 7*time.Hour {
		t.Errorf("TTL is %s, want 7h", got)
	}
	none := adapted(t, "", func(context.Context, *push.Receipt) error { return nil })
	defer none.Stop()
	if got := none.TTL(r); got != 0 {
		t.Errorf("TTL of a handler without one is %s", got)
	}
}

func TestAdapterIgnoresNil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := adapted(t, `{"buffer":2}`, func(_ context.Context, r *push.Receipt) error {
			if r == nil {
				panic("nil")
			}
			return nil
		})
		got := make(outcomes, 1)
		h.Push() <- nil
		got.give(t, h, 1)
		if err := <-got; err != nil {
			t.Errorf("outcome is %v", err)
		}
		h.Push() <- nil
		h.Push() <- nil
		h.Stop() // one of them may still wait
	})
}
