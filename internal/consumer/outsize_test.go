package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// outsized are the ways in which a receipt comes to need a store: what it is, and what
// the handler says of it.
var outsized = map[string]struct {
	data string
	says error
}{
	"for some again":            {receipt(1, 2), remaining(errFault)},
	"for all again":             {receipt(1, 1), errFault},
	"refused for good":          {receipt(1, 2), remaining(push.Permanent(errFault))},
	"for one again, one is bad": {receipt(1, 3), &push.Undelivered{To: map[push.Uid]push.Recipient{1001: {Unread: 1}}, Err: errFault, Rejected: errFault}},
	"for many again":            {receipt(1, 5), &push.Undelivered{To: map[push.Uid]push.Recipient{1001: {}, 1002: {}, 1003: {}}, Err: errFault}},
	"unreadable":                {"garbage", nil},
	"one recipient unreadable":  {`{"to":{"nobody":{},"1001":{"unread":1}},"payload":{"what":"msg","seq":1}}`, nil},
}

// TestTooLargeInAnyForm: a receipt of which the broker stores nothing, neither a retry
// nor the shortest letter, stays in hand. It costs 900 tries an hour at most and one
// line, the handler has it once, and the others go through.
func TestTooLargeInAnyForm(t *testing.T) {
	t.Parallel()
	for name, tt := range outsized {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen log
				var d diary
				said := false
				r := start(t, handler(t, 8, 1, func(_ context.Context, r *push.Receipt) error {
					switch n := seen.note(r); {
					case r.Payload.SeqId == 1 && !said:
						said = true
						return tt.says
					case n%2 == 0:
						return errFault
					}
					return nil
				}), d.at(zerolog.InfoLevel))
				r.stores.outgrow(r.fresh.add(tt.data, consumer.Origin{}, 0))
				wantStuck(t, r, &seen)
				lines := d.take(t)
				stuck, broken := like(lines, "waits in memory"), append(like(lines, "cannot be stored"), like(lines, "stored again")...)
				if len(stuck) != 1 || stuck[0]["level"] != "error" || stuck[0]["seq"] != 1. || len(broken) > 0 {
					t.Errorf("wrote %v and %v, want one error and nothing of the stream", stuck, broken)
				}
				r.stores.outgrow(0)
				r.settled(time.Hour)
				if err := r.lane.Ready(); err != nil {
					t.Errorf("Ready: %v", err)
				}
				_ = r.end()
				if letters := r.stores.buried(); len(letters) == 0 {
					t.Error("no letter")
				}
			})
		})
	}
}

// wantStuck sends 60 receipts in an hour past the one that cannot be stored.
func wantStuck(t *testing.T, r *rig, seen *log) {
	t.Helper()
	for i := range 60 {
		r.fresh.add(receipt(2+i, 1), consumer.Origin{}, 0)
		<-time.After(time.Minute)
	}
	synctest.Wait()
	if n := seen.perSeq()[1]; n > 1 || len(r.fresh.delays()) > 0 || r.fresh.open() != 1 || r.retries.open() != 0 {
		t.Errorf("run %d times, handed back %v, %d and %d open; want once, never, only itself", n, r.fresh.delays(), r.fresh.open(), r.retries.open())
	}
	if n := r.stores.attempts(); n < 400 || n > 910 {
		t.Errorf("tried to store it %d times in an hour, want 450 to 900", n)
	}
	err := r.lane.Ready()
	if err == nil || !strings.Contains(err.Error(), "dead letters of 1 receipt") || !strings.Contains(err.Error(), "raise max_msg_size") {
		t.Errorf("Ready: %v", err)
	}
}

// TestStopWithATooLargeReceipt: it goes back to the broker, once.
func TestStopWithATooLargeReceipt(t *testing.T) {
	t.Parallel()
	for name, tt := range outsized {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, handler(t, 8, 2, func(context.Context, *push.Receipt) error { return tt.says }))
				r.stores.outgrow(r.fresh.add(tt.data, consumer.Origin{}, 0))
				<-time.After(time.Minute)
				began := time.Now()
				if err := r.end(); err != nil {
					t.Errorf("Run: %v", err)
				}
				if took := time.Since(began); took > time.Second || len(r.fresh.delays()) != 1 || r.fresh.open() != 1 {
					t.Errorf("after %s: handed back %v, %d open; want one", took, r.fresh.delays(), r.fresh.open())
				}
			})
		})
	}
}

// TestManyTooLargeReceipts: they fill the lane, which says how many they are, in few lines.
func TestManyTooLargeReceipts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := start(t, handler(t, 64, 2, func(context.Context, *push.Receipt) error { return push.Permanent(errFault) }),
			d.at(zerolog.InfoLevel), func(c *consumer.Config) { c.DeadLetters = cramped{} })
		for i := range 30 {
			r.fresh.add(fmt.Sprintf("garbage %d", i), consumer.Origin{}, 0)
		}
		<-time.After(time.Hour)
		if err := r.lane.Ready(); err == nil || !strings.Contains(err.Error(), "dead letters of 30 receipts") {
			t.Errorf("Ready: %v", err)
		}
		_ = r.end()
		if lines := like(d.take(t), "waits in memory"); len(lines) != 5+1 {
			t.Errorf("%d lines, want five and how many more there are: %v", len(lines), lines)
		}
	})
}

// cramped takes no letter.
type cramped struct{}

func (cramped) Bury(context.Context, letter) error { return consumer.ErrTooLarge }
