package consumer_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestNoVerdict: receipts that are done with without asking the provider go on
// during an outage and say nothing about its end.
func TestNoVerdict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var skipped log
		r := start(t, handler(t, 32, 4, func(_ context.Context, r *push.Receipt) error {
			switch {
			case r.Payload.SeqId >= 300:
				return push.ErrExpired
			case r.Payload.SeqId >= 200:
				skipped.note(r)
				r.Tally(push.Targets{Skipped: 1})
				return nil
			case down.Load():
				return push.Unavailable(errFault)
			}
			return nil
		}))
		down.Store(true)
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		<-time.After(time.Second)
		for i := range 50 {
			r.fresh.add(receipt(200+i, 1), consumer.Origin{}, 0)
			r.fresh.add(receipt(300+i, 1), consumer.Origin{}, 0)
		}
		for range 100 {
			<-time.After(500 * time.Millisecond)
			if s := r.lane.State(); !s.BreakerOpen || !strings.Contains(s.BreakerError, errFault.Error()) {
				t.Fatalf("in the outage the lane says %+v", s)
			}
		}
		if n := skipped.count(); n != 50 {
			t.Errorf("%d of 50 that need nobody were settled in 50 s", n)
		}
		down.Store(false)
		r.settled(time.Minute)
		if s := r.lane.State(); s.BreakerOpen || s.BreakerError != "" {
			t.Errorf("after the outage the lane says %+v", s)
		}
		_ = r.end()
	})
}

// TestFullIntakeDoesNotProbe: an intake whose slots are all held, by receipts that cannot
// be stored, leaves the turn to probe to the others, and the lane resumes when its provider
// is back.
func TestFullIntakeDoesNotProbe(t *testing.T) {
	t.Parallel()
	suspect := consumer.Origin{RootStream: "PUSH", RootSeq: 900, Alone: true}
	back := consumer.Origin{RootStream: "PUSH", RootSeq: 901, Attempts: 1}
	tests := map[string]struct {
		says  error
		fault func(*rig) // of the stores, and what cannot be stored then
		held  float64
		next  func(*rig) // what is there to probe with
	}{
		"all fresh slots are held": {
			remaining(push.Unavailable(errFault)), func(r *rig) {
				r.stores.limit(true, false)
				for i := range 6 {
					r.fresh.add(receipt(1+i, 2), consumer.Origin{}, 0)
				}
			}, 6, func(r *rig) { r.retries.add(receipt(100, 1), back, 0) },
		},
		"the suspects' slot is held": {
			push.Unavailable(errFault), func(r *rig) {
				r.stores.fail(errNoStore)
				r.fresh.add(receipt(1, 1), consumer.Origin{}, 0) // opens the breaker, and is kept when it comes again
				<-time.After(500 * time.Millisecond)
				r.suspects.add(receipt(2, 1), suspect, 0)
			}, 2, func(r *rig) { r.fresh.add(receipt(100, 1), consumer.Origin{}, 0) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var down atomic.Bool
				down.Store(true)
				var seen log
				r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
					if down.Load() {
						return tt.says
					}
					seen.note(r)
					return nil
				}))
				tt.fault(r)
				r.until(time.Minute, "slots held", func() bool { return r.metric("lane_in_flight") == tt.held })
				<-time.After(10 * time.Second) // each intake has had the turn, if it took it
				down.Store(false)
				tt.next(r)
				r.until(10*time.Second, "the lane resumes", func() bool { return seen.perSeq()[100] == 1 && !r.lane.State().BreakerOpen })
				r.stores.limit(false, false)
				r.stores.fail(nil)
				r.settled(time.Minute)
				_ = r.end()
			})
		})
	}
}
