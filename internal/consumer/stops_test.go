package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestIdleBreakerCloses: a lane that has stopped and gets no receipt finds out by
// itself that its provider is back; without a probe of the handler's it pulls again
// after a minute.
func TestIdleBreakerCloses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		probe  func(down bool) error
		within time.Duration
	}{
		"the handler probes": {func(down bool) error {
			if down {
				return push.Unavailable(errFault)
			}
			return nil
		}, 5 * time.Second},
		"no probe":            {nil, 65 * time.Second},
		"the probe knows not": {func(bool) error { return errFault }, 65 * time.Second},
		"the probe panics":    {func(bool) error { panic("probe") }, 65 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var down atomic.Bool
				var probes atomic.Int64
				work := push.Work{Handle: func(context.Context, *push.Receipt) error {
					if down.Load() {
						return push.Unavailable(errFault)
					}
					return nil
				}}
				if tt.probe != nil {
					work.Probe = func(context.Context) error {
						probes.Add(1)
						return tt.probe(down.Load())
					}
				}
				r := start(t, initialised(t, work))
				down.Store(true)
				r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
				r.until(time.Second, "the breaker opens", func() bool { return r.lane.State().BreakerOpen })
				r.fresh.clear() // another worker has it
				<-time.After(30 * time.Second)
				if n := probes.Load(); tt.probe != nil && (n < 10 || n > 30) || !r.lane.State().BreakerOpen {
					t.Errorf("%d probes in 30 s of outage, want some and at most one a second; state %+v", n, r.lane.State())
				}
				down.Store(false)
				r.until(tt.within, "the breaker closes", func() bool { return !r.lane.State().BreakerOpen })
				_ = r.end()
			})
		})
	}
}

// initialised is a handler that does work.
func initialised(t *testing.T, work push.Work) push.Handler {
	t.Helper()
	h := push.Adapt(func(string) (push.Work, error) { return work, nil })
	if err := h.Init(`{"buffer":32,"concurrency":4}`); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestRefusedAlike: when all receipts are refused for good for the same reason, the
// lane stops burying, keeps them, says what to correct, and delivers them all once
// that is done.
func TestRefusedAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		var seen log
		var logged bytes.Buffer
		r := start(t, handler(t, 64, 16, func(_ context.Context, r *push.Receipt) error {
			<-time.After(time.Millisecond)
			switch {
			case !broken.Load():
				seen.note(r)
				r.Tally(push.Targets{Accepted: 1})
				return nil
			case r.Payload.SeqId%7 == 0:
				r.Tally(push.Targets{Gone: 1})
				return nil
			}
			why := []string{"bad template", "bad bundle id"}[r.Payload.SeqId%2]
			return &push.PermanentError{Err: fmt.Errorf("device %d: %s", r.Payload.SeqId, why), Reason: why}
		}), func(c *consumer.Config) { c.Log = zerolog.New(zerolog.SyncWriter(&logged)) })
		broken.Store(true)
		for i := range 700 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		<-time.After(30 * time.Second)
		buried := len(r.stores.buried())
		if buried > 40 {
			t.Errorf("%d receipts were buried for two reasons, want 20 each at most", buried)
		}
		s, ready := r.lane.State(), r.lane.Ready()
		if !s.BreakerOpen || !strings.Contains(s.BreakerError, "bad ") || ready == nil || !strings.Contains(ready.Error(), s.BreakerError) {
			t.Errorf("the lane says %+v and is ready: %v", s, ready)
		}
		broken.Store(false)
		r.settled(5 * time.Minute)
		_ = r.end()
		gone := 700 - buried - len(seen.perSeq())
		if seen.count() != len(seen.perSeq()) || gone < 1 || gone > 100 || len(r.stores.buried()) != buried {
			t.Errorf("of 700 there were %d buried, %d delivered in %d times", buried, len(seen.perSeq()), seen.count())
		}
		for _, s := range r.stores.scheduled() {
			if s.Origin.Attempts != 0 {
				t.Fatalf("a kept receipt lost an attempt: %+v", s.Origin)
			}
		}
		text := logged.String()
		if strings.Count(text, "receipts refused for the same reason") == 0 || strings.Contains(text, "provider unavailable") || !strings.Contains(text, "lane resumed") {
			t.Errorf("the log is %s", text)
		}
	})
}

// TestRefusedBesideDelivered: refusals are the receipts' own fault as long as others
// are delivered, or the reasons differ.
func TestRefusedBesideDelivered(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r *push.Receipt) error{
		"every tenth is delivered": func(r *push.Receipt) error {
			if r.Payload.SeqId%10 == 0 {
				return nil
			}
			return push.Permanent(errFault)
		},
		"a part is delivered": func(r *push.Receipt) error {
			return &push.Undelivered{To: r.To, Err: push.Permanent(errFault)}
		},
		"each for its own reason": func(r *push.Receipt) error {
			return push.Permanent(fmt.Errorf("field %d is wrong", r.Payload.SeqId))
		},
	}
	for name, handle := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, handler(t, 16, 1, func(_ context.Context, r *push.Receipt) error { return handle(r) }))
				for i := range 200 {
					r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
				}
				r.settled(10 * time.Second)
				if s := r.lane.State(); s.BreakerOpen || len(r.stores.buried()) < 180 {
					t.Errorf("the lane says %+v after %d letters", s, len(r.stores.buried()))
				}
				_ = r.end()
			})
		})
	}
}

// TestIdleAfterRefusals: what one receipt does to the provider, no probe without one
// shows; a lane that has none to probe with does not stay stopped for ever.
func TestIdleAfterRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, initialised(t, push.Work{
			Handle: func(context.Context, *push.Receipt) error { return push.Permanent(errFault) },
			Probe:  func(context.Context) error { return nil },
		}))
		for i := range 25 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		r.until(10*time.Second, "the lane stops", func() bool { return r.lane.State().BreakerOpen })
		r.fresh.clear()
		<-time.After(30 * time.Second)
		if s := r.lane.State(); !s.BreakerOpen {
			t.Errorf("a probe that shows nothing closes the breaker: %+v", s)
		}
		r.until(time.Minute, "it pulls again", func() bool { return !r.lane.State().BreakerOpen && r.lane.Ready() == nil })
		letters := len(r.stores.buried())
		r.fresh.add(receipt(100, 1), consumer.Origin{}, 0)
		r.until(10*time.Second, "it stops again", func() bool { return r.lane.State().BreakerOpen })
		if n := len(r.stores.buried()); n != letters {
			t.Errorf("%d more letters, want the receipt kept", n-letters)
		}
		_ = r.end()
	})
}

// TestDirectoryUnavailable: the lane stops, names the directory, blames no provider,
// and pulls again when a look-up succeeds, even one that finds nobody to send to.
func TestDirectoryUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var says atomic.Pointer[error]
		var logged bytes.Buffer
		r := start(t, handler(t, 16, 4, func(_ context.Context, r *push.Receipt) error {
			if err := says.Load(); err != nil {
				return *err
			}
			r.Tally(push.Targets{Skipped: 1})
			return nil
		}), func(c *consumer.Config) { c.Log = zerolog.New(zerolog.SyncWriter(&logged)) })
		noBroker := push.DirectoryUnavailable(errors.New("no broker"))
		says.Store(&noBroker)
		for i := range 100 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		<-time.After(10 * time.Second)
		s, ready := r.lane.State(), r.lane.Ready()
		if s.BreakerOpen || s.BreakerError != "" || r.metric("lane_breaker_open") != 0 || !strings.Contains(s.Waiting, "no broker") {
			t.Errorf("without a directory the lane says %+v", s)
		}
		if ready == nil || !strings.Contains(ready.Error(), "device directory unavailable: no broker") {
			t.Errorf("readiness says %v", ready)
		}
		if n := len(r.fresh.seen()); n > 40 {
			t.Errorf("%d deliveries in 10 s: the lane goes on pulling", n)
		}
		down := push.Unavailable(errFault)
		says.Store(&down)
		r.until(5*time.Second, "the provider is down", func() bool { return r.lane.State().BreakerOpen })
		says.Store(&noBroker)
		r.until(5*time.Second, "the directory is down", func() bool { return !r.lane.State().BreakerOpen })
		says.Store(nil)
		r.settled(time.Minute)
		if s := r.lane.State(); s.Waiting != "" || r.lane.Ready() != nil || len(r.stores.buried()) != 0 {
			t.Errorf("afterwards the lane says %+v", s)
		}
		_ = r.end()
		if n := strings.Count(logged.String(), "device directory unavailable"); n != 2 {
			t.Errorf("the log tells of the directory %d times, want 2:\n%s", n, logged.String())
		}
	})
}
