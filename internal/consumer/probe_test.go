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
