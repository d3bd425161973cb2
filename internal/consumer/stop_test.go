package consumer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestHeartbeatsWhileDraining: work longer than AckWait is executed once, although
// the lane is told to stop in the middle of it.
func TestHeartbeatsWhileDraining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		h := handler(t, 8, 2, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			<-time.After(6 * time.Second)
			return nil
		})
		r := start(t, h, func(c *consumer.Config) { c.AckWait = 2 * time.Second })
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.until(time.Second, "work begun", func() bool { return seen.count() == 1 })
		<-time.After(time.Second)
		if err := r.end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := len(r.fresh.seen()); n != 1 || r.fresh.open() != 0 {
			t.Errorf("delivered %d times, %d open; want once and settled", n, r.fresh.open())
		}
		if r.fresh.beats < 8 {
			t.Errorf("%d heartbeats in 6 s, want one at least every 0.67 s", r.fresh.beats)
		}
	})
}

// TestUnstartedIsHandedBack: what only waited in the handler's buffer comes back
// at once, uncounted, and the stop is a clean one.
func TestUnstartedIsHandedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := handler(t, 16, 1, func(context.Context, *push.Receipt) error {
			<-time.After(time.Second)
			return nil
		})
		r := start(t, h)
		for i := range 10 {
			r.fresh.add(receipt(i, 1), consumer.Origin{}, 0)
		}
		synctest.Wait()
		if err := r.end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if open, naks := r.fresh.open(), len(r.fresh.delays()); open != 9 || naks != 9 {
			t.Errorf("%d open, %d nak'd; want 9 handed back and the running one settled", open, naks)
		}
		if n := len(r.stores.scheduled()); n != 0 {
			t.Errorf("%d retries were stored for work that never failed", n)
		}
	})
}

// TestHungHandler: a handler that ignores its context cannot hold the process.
func TestHungHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := handler(t, 8, 1, func(context.Context, *push.Receipt) error { <-release; return nil })
		r := start(t, h)
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		synctest.Wait()
		began := time.Now()
		err := r.end()
		if !errors.Is(err, consumer.ErrUnfinished) {
			t.Errorf("Run: %v, want ErrUnfinished", err)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("stopping took %v with a grace of 10s", took)
		}
		if n := len(r.fresh.delays()); n != 1 {
			t.Errorf("%d messages handed back, want 1", n)
		}
		close(release) // the late Done must find the message gone
		synctest.Wait()
		if r.fresh.open() != 1 {
			t.Error("a late Done acknowledged a message that had been handed back")
		}
	})
}

// TestInterruptedIsNotAFailure: work cancelled by the end of the grace comes back
// uncounted, and the summary tells it from what had not begun.
func TestInterruptedIsNotAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := handler(t, 8, 1, func(ctx context.Context, _ *push.Receipt) error { <-ctx.Done(); return ctx.Err() })
		r := start(t, h)
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.fresh.add(receipt(2, 1), consumer.Origin{}, 0) // waits for the first, as of the same user and topic
		r.fresh.add(receipt(3, 2), consumer.Origin{}, 0) // waits for the only worker
		synctest.Wait()
		if err := r.end(); !errors.Is(err, consumer.ErrUnfinished) || !strings.Contains(err.Error(), ": 3 receipts were handed back, of which 1 were being sent, 2 had not begun and 0 were held") {
			t.Errorf("Run: %v, want ErrUnfinished, and the receipts counted for what they were", err)
		}
		if n := len(r.stores.scheduled()); n != 0 || len(r.fresh.delays()) != 3 {
			t.Errorf("%d retries, %d naks; want the messages handed back uncounted", n, len(r.fresh.delays()))
		}
	})
}

func TestSourceGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 8, 1, func(context.Context, *push.Receipt) error { return nil }))
		r.retries.vanish()
		if err := <-r.ended; !errors.Is(err, consumer.ErrSourceGone) {
			t.Errorf("Run: %v, want ErrSourceGone", err)
		}
		if r.lane.Ready() == nil {
			t.Error("a lane that has ended says that it is ready")
		}
	})
}

// TestStoresRefuse: while neither retries nor letters can be written, nothing is
// lost, and readiness says so until it works again.
func TestStoresRefuse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, handler(t, 8, 1, func(_ context.Context, r *push.Receipt) error {
			if r.Payload.SeqId == 1 {
				return push.Permanent(errFault)
			}
			return errFault
		}), func(c *consumer.Config) { c.Policy.MaxAttempts = 2 })
		r.stores.fail(errors.New("no space"))
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.fresh.add(receipt(2, 1), consumer.Origin{}, 0)
		<-time.After(time.Minute)
		if r.fresh.open() != 2 {
			t.Fatalf("%d receipts open, want 2", r.fresh.open())
		}
		for _, what := range []string{"retries", "dead letters", "no space"} {
			if err := r.lane.Ready(); err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("Ready: %v, want something about %s", err, what)
			}
		}
		r.stores.fail(nil)
		r.settled(time.Minute)
		if err := r.lane.Ready(); err != nil {
			t.Errorf("Ready: %v after the store has recovered", err)
		}
		_ = r.end()
		if n := len(r.stores.buried()); n != 2 {
			t.Errorf("%d letters, want 2", n)
		}
	})
}

// silent is a store that does not answer.
type silent struct{}

func (silent) Schedule(ctx context.Context, _ consumer.Retry) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestStopHasOneDeadline: the handler and what it leaves to store share the grace; a
// moment after that the lane lets go, and hands back what could not be stored.
func TestStopHasOneDeadline(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]time.Duration{"stores of before": 0, "work to the end of the grace": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := handler(t, 8, 1, func(ctx context.Context, _ *push.Receipt) error {
					if work == 0 {
						return errFault
					}
					<-ctx.Done()
					return &push.Undelivered{Err: ctx.Err(), To: map[push.Uid]push.Recipient{1001: {Unread: 1}}}
				})
				r := start(t, h, func(c *consumer.Config) { c.Scheduler, c.Grace = silent{}, 3*time.Second })
				r.fresh.add(receipt(1, 2), consumer.Origin{}, 0)
				synctest.Wait()
				began := time.Now()
				err := r.end()
				if took, most := time.Since(began), 3*time.Second+consumer.StoreMoment; took > most+10*time.Millisecond {
					t.Errorf("it took %v to stop (%v), want %v at most", took, err, most)
				}
				if open, naks := r.fresh.open(), len(r.fresh.delays()); open != 1 || naks != 1 {
					t.Errorf("%d open, %d nak'd; want the one handed back", open, naks)
				}
			})
		})
	}
}
