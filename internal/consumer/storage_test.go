package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// remaining is what is left of a receipt to two users of whom one has it.
func remaining(err error) error {
	return &push.Undelivered{To: map[push.Uid]push.Recipient{1001: {Unread: 1}}, Err: err}
}

// TestFullStoresRepeatNothing: what a full store refuses stays in hand, with its
// attempts, its progress and the provider's time, however long that takes. Nobody is
// told twice, and the broker delivers nothing again.
func TestFullStoresRepeatNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		says             error
		retries, letters bool
	}{
		"retries": {remaining(push.RetryAfter(errFault, time.Minute)), true, false},
		"letters": {remaining(push.Permanent(errFault)), false, true},
		"letters for some": {
			&push.Undelivered{To: map[push.Uid]push.Recipient{1001: {}}, Err: errFault, Rejected: errors.New("payload refused")}, false, true,
		},
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
				r.stores.limit(tt.retries, tt.letters)
				r.fresh.add(receipt(1, 2), consumer.Origin{}, 0)
				<-time.After(10 * time.Minute)
				synctest.Wait()
				if seen.count() != 1 || len(r.fresh.seen()) != 1 || len(r.fresh.delays()) != 0 {
					t.Errorf("run %d times, delivered %d times, nak'd %d times; want once, once, never",
						seen.count(), len(r.fresh.seen()), len(r.fresh.delays()))
				}
				if r.lane.Ready() == nil {
					t.Error("the lane says that it is ready")
				}
				if n := r.stores.tries; n < 10 || n > 300 {
					t.Errorf("tried to store %d times in ten minutes", n)
				}
				r.stores.limit(false, false)
				r.settled(2 * time.Minute)
				if err := r.lane.Ready(); err != nil {
					t.Errorf("Ready: %v", err)
				}
				_ = r.end()
				again := seen.got[1:]
				if tt.retries && (len(again) != 1 || len(again[0].To) != 1 || r.stores.stored[0].Delay < time.Minute || r.stores.stored[0].Origin.Attempts != 1) {
					t.Errorf("ran again with %+v, stored %+v; want one user a minute later, one attempt counted", again, r.stores.stored)
				}
			})
		})
	}
}

// TestStopWhileStoresAreFull: a lane that stops stores what it holds beyond the limit of
// retries, with all its progress, and what should become a letter, too.
func TestStopWhileStoresAreFull(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]error{"retry": remaining(errFault), "letter": remaining(push.Permanent(errFault))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, handler(t, 8, 2, func(context.Context, *push.Receipt) error { return says }))
				r.stores.limit(true, true)
				r.fresh.add(receipt(1, 2), consumer.Origin{}, 0)
				<-time.After(time.Minute)
				if err := r.end(); err != nil {
					t.Errorf("Run: %v", err)
				}
				stored := r.stores.scheduled()
				if len(stored) != 1 || r.fresh.open() != 0 || len(r.fresh.delays()) != 0 {
					t.Fatalf("stored %+v, %d open, %d naks; want one stored and nothing else", stored, r.fresh.open(), len(r.fresh.delays()))
				}
				want := map[push.Uid]push.Recipient{1001: {Unread: 1}}
				if diff := cmp.Diff(want, to(t, letter{Data: stored[0].Data})); diff != "" {
					t.Errorf("stored for (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestFullStoresMakeNoSuspects: receipts that could not be stored while one process
// after the other was stopped are no suspects: once there is room they all run at the
// same time.
func TestFullStoresMakeNoSuspects(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ retries, letters bool }{"retries": {true, false}, "letters": {false, true}, "both": {true, true}}
	for name, full := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newCrashes(t, 0)
				const n = 1500
				for i := range n {
					s.fresh.add(receipt(i+1, 2), consumer.Origin{}, 0)
				}
				s.stores.limit(full.retries, full.letters)
				var seen log
				run := func(says func(seq int) error, ok func() bool) {
					t.Helper()
					h := handler(t, 768, 16, func(_ context.Context, r *push.Receipt) error {
						seen.note(r)
						return says(r.Payload.SeqId)
					})
					lane := consumer.New(consumer.Config{
						Name: "fcm", Handler: h, Fresh: []consumer.Source{s.fresh}, Retries: s.retries, Suspects: s.suspects, Scheduler: s.stores, DeadLetters: s.stores,
						Policy:  retry.Policy{Base: time.Second, Cap: time.Minute, MaxAge: 24 * time.Hour, MaxAttempts: 50},
						AckWait: ackWait, Grace: 10 * time.Second, Metrics: consumer.NewMetrics(prometheus.NewRegistry()), Log: zerolog.Nop(),
					})
					ctx, stop := context.WithCancel(t.Context())
					ended := make(chan error, 1)
					go func() { ended <- lane.Run(ctx) }()
					for began := time.Now(); time.Since(began) < 5*time.Minute && !ok(); <-time.After(time.Second) {
						synctest.Wait()
					}
					stop()
					if err := <-ended; err != nil {
						t.Fatal(err)
					}
				}
				for range 4 {
					run(func(seq int) error {
						switch {
						case seq%2 == 0:
							return remaining(push.Permanent(errFault))
						case seq%3 == 0:
							return &push.Undelivered{To: map[push.Uid]push.Recipient{1001: {Unread: 1}}, Err: errFault, Rejected: errFault}
						}
						return remaining(push.RetryAfter(errFault, time.Hour))
					}, func() bool { return false })
				}
				s.stores.limit(false, false)
				run(func(int) error { return nil }, func() bool { return s.fresh.open()+s.retries.open()+s.suspects.open() == 0 })
				if suspects := len(s.suspects.seen()); suspects > 0 {
					t.Errorf("%d of %d receipts became suspects, and nothing has crashed", suspects, n)
				}
				told := map[int]int{} // how often somebody was told who has it
				for _, r := range seen.got {
					if _, ok := r.To[1000]; ok {
						told[r.Payload.SeqId]++
					}
				}
				for seq, times := range told {
					if times > 1 && (seq%2 == 0 || seq%3 != 0) { // with somebody refused, all of it is tried again
						t.Fatalf("the user of receipt %d who has it was told %d times", seq, times)
					}
				}
			})
		})
	}
}

// TestTooLargeToStoreIsBuried: what the broker never takes for another try is buried,
// with what remains and why, and does not loop.
func TestTooLargeToStoreIsBuried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error { seen.note(r); return remaining(errFault) }))
		r.stores.largest = 10
		r.fresh.add(receipt(1, 2), consumer.Origin{}, 0)
		r.settled(time.Minute)
		if err := r.lane.Ready(); err != nil {
			t.Errorf("Ready: %v", err)
		}
		_ = r.end()
		letters := r.stores.buried()
		if seen.count() != 1 || len(letters) != 1 {
			t.Fatalf("run %d times, letters %+v; want one of each", seen.count(), letters)
		}
		l := letters[0]
		if l.Reason != "oversize" || l.Handler != "fcm" || l.Attempts != 1 || !strings.Contains(l.Error, "connection reset") || !strings.Contains(l.Error, "cannot be stored") {
			t.Errorf("the letter is %+v", l)
		}
		if diff := cmp.Diff(map[push.Uid]push.Recipient{1001: {Unread: 1}}, to(t, l)); diff != "" {
			t.Errorf("the letter is for (-want +got):\n%s", diff)
		}
	})
}

// TestTooLargeToBeQuarantined: what was not tried is not buried for its size: it is handed
// back, and a suspect runs among the others.
func TestTooLargeToBeQuarantined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		r := start(t, handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			if seen.note(r) <= 3 {
				return fmt.Errorf("no time: %w", push.ErrNotStarted)
			}
			return nil
		}))
		r.stores.largest = 10
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		if seen.count() != 4 || len(r.stores.buried()) != 0 {
			t.Errorf("run %d times, letters %+v; want four runs", seen.count(), r.stores.buried())
		}
	})
}
