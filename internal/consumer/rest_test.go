package consumer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// mostNak is the longest delay that a nak may have.
const mostNak = 12 * time.Second

// resting is what a handler says of a receipt of which nothing was sent and all is to
// wait.
func resting(wait time.Duration) error {
	return fmt.Errorf("%w: %w", push.ErrNotStarted, push.RetryAfter(errFault, wait))
}

// TestLongRestIsStored: a receipt that was not tried and is to rest for long does not
// wait at the broker as delivered, where it would take the place of fresh ones. It is
// stored, no attempt is counted, and what goes stale meanwhile has expired.
func TestLongRestIsStored(t *testing.T) {
	t.Parallel()
	const never = 0
	tests := map[string]struct {
		says          error
		life          time.Duration
		naks, stored  int
		comes, expire bool
	}{
		"long":                     {resting(20 * time.Minute), never, 0, 1, true, false},
		"short":                    {resting(10 * time.Second), never, 1, 0, true, false},
		"long, in an outage":       {push.Unavailable(push.RetryAfter(errFault, time.Hour)), never, 0, 1, true, false},
		"longer than it is wanted": {resting(20 * time.Minute), 30 * time.Second, 0, 0, false, true},
		"as long as it is wanted":  {resting(20 * time.Minute), 23 * time.Minute, 0, 1, true, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen log
				r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
					if seen.note(r) == 1 {
						return tt.says
					}
					return nil
				}))
				var o consumer.Origin
				if tt.life > 0 {
					o.Expires = time.Now().Add(tt.life)
				}
				r.fresh.add(receipt(1, 1), o, 0)
				r.until(time.Second, "it rests", func() bool { return len(r.fresh.delays())+len(r.stores.scheduled())+1-r.fresh.open() > 0 })
				naks, stored := len(r.fresh.delays()), r.stores.scheduled()
				if naks != tt.naks || len(stored) != tt.stored {
					t.Fatalf("nak'd %v, stored %+v; want %d and %d", r.fresh.delays(), stored, tt.naks, tt.stored)
				}
				if tt.stored > 0 && (stored[0].Delay < 20*time.Minute || stored[0].Origin.Attempts != 0 || stored[0].Origin.Alone) {
					t.Errorf("stored %+v; want it later, no attempt counted and no suspicion", stored[0])
				}
				r.settled(90 * time.Minute)
				_ = r.end()
				if again := seen.count() == 2; again != tt.comes {
					t.Errorf("run %d times", seen.count())
				}
				if got := r.metric("receipts_settled_total", "expire") > 0; got != tt.expire {
					t.Errorf("expired: %v", got)
				}
			})
		})
	}
}

// TestLongRestWithoutAStore: a receipt that is to rest for long stays in hand while it
// cannot be stored. Only what a stopping lane cannot store, and what the broker will
// never store, is nak'd, and then for a short time.
func TestLongRestWithoutAStore(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		store func(*stores)
		kept  bool
		naks  int // at the stop
	}{
		"full":      {func(s *stores) { s.limit(true, false) }, true, 0},
		"refuses":   {func(s *stores) { s.fail(errNoStore) }, true, 1},
		"too small": {func(s *stores) { s.largest = 10 }, false, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, handler(t, 8, 2, func(context.Context, *push.Receipt) error { return resting(time.Hour) }))
				tt.store(r.stores)
				r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
				<-time.After(5 * time.Minute)
				synctest.Wait()
				before := len(r.fresh.delays())
				if kept := before == 0 && len(r.stores.scheduled()) == 0 && r.fresh.open() == 1; kept != tt.kept {
					t.Errorf("nak'd %d times, stored %+v; want it kept: %v", before, r.stores.scheduled(), tt.kept)
				}
				if err := r.end(); err != nil {
					t.Errorf("Run: %v", err)
				}
				if n := len(r.fresh.delays()) - before; n != tt.naks {
					t.Errorf("nak'd %d times at the stop, want %d", n, tt.naks)
				}
				for _, delay := range r.fresh.delays() {
					if delay > mostNak {
						t.Errorf("nak'd with %v", delay)
					}
				}
			})
		})
	}
}

// TestStaleMeanwhile: a receipt that has gone stale while something of it could not be
// stored, before its handler had it, is not sent.
func TestStaleMeanwhile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data           string
		deliveries     int
		refuse, relent func(*stores)
	}{
		"the letter of an unreadable recipient": {
			`{"to":{"1000":{"unread":1},"nobody":{}},"payload":{"what":"msg","seq":1}}`, 0,
			func(s *stores) { s.limit(false, true) }, func(s *stores) { s.limit(false, false) },
		},
		"a suspect that proves too large": {
			receipt(1, 1), 2,
			func(s *stores) { s.fail(errNoStore) }, func(s *stores) { s.outgrow(1); s.fail(nil) },
		},
	}
	for name, tt := range tests {
		for _, life := range []time.Duration{10 * time.Minute, time.Hour} {
			t.Run(fmt.Sprintf("%s, %v", name, life), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var seen log
					r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error { seen.note(r); return nil }))
					tt.refuse(r.stores)
					seq := r.fresh.add(tt.data, consumer.Origin{Expires: time.Now().Add(life)}, time.Second)
					r.fresh.deliveries(seq, tt.deliveries)
					<-time.After(20 * time.Minute)
					synctest.Wait()
					if seen.count() != 0 || r.fresh.open() != 1 {
						t.Fatalf("sent %d times, %d open; want it to wait", seen.count(), r.fresh.open())
					}
					tt.relent(r.stores)
					r.settled(time.Minute)
					_ = r.end()
					stale := life < 20*time.Minute
					if sent := seen.count() > 0; sent == stale || (r.metric("receipts_settled_total", "expire") == 1) != stale {
						t.Errorf("sent %d times although it was stale: %v", seen.count(), stale)
					}
				})
			})
		}
	}
}
