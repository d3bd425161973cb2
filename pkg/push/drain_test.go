package push_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// drain drains h within grace and returns how long that took.
func drain(t *testing.T, h push.Drainer, grace time.Duration) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), grace)
	defer cancel()
	start := time.Now()
	err := h.Drain(ctx)
	return time.Since(start), err
}

func TestDrainLetsRunningWorkFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := adapted(t, `{"concurrency":2}`, func(context.Context, *push.Receipt) error {
			<-time.After(5 * time.Second)
			return nil
		})
		running, waiting := make(outcomes, 2), make(outcomes, 10)
		running.give(t, h, 2)
		synctest.Wait()
		waiting.give(t, h, 10)
		go func() {
			<-time.After(time.Second)
			for range 10 {
				if err := <-waiting; !errors.Is(err, push.ErrNotStarted) {
					t.Errorf("outcome of waiting work is %v, want ErrNotStarted", err)
				}
			}
			if len(running) > 0 {
				t.Error("running work was not waited for")
			}
		}()
		took, err := drain(t, h, time.Minute)
		if took != 5*time.Second || err != nil {
			t.Errorf("Drain = %v after %s, want nil after 5s", err, took)
		}
		for range 2 {
			if err := <-running; err != nil {
				t.Errorf("outcome of running work is %v", err)
			}
		}
	})
}

func TestDrainCancelsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pushtest.Blocks()
		if err := h.Init(""); err != nil {
			t.Fatal(err)
		}
		got := make(outcomes, 1)
		got.give(t, h, 1)
		synctest.Wait()
		took, err := drain(t, h, 3*time.Second)
		if took != 3*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v after %s, want that the deadline has passed after 3s", err, took)
		}
		if err := <-got; !errors.Is(err, push.ErrNotStarted) || !errors.Is(err, push.ErrStopping) {
			t.Errorf("outcome is %v, want that it was handed back because of ErrStopping", err)
		}
		if took, err := drain(t, h, time.Second); took != 0 || err != nil {
			t.Errorf("second Drain = %v after %s", err, took)
		}
	})
}

func TestDrainForgetsWhatIgnoresCancellation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var closed atomic.Int32
		h := push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Handle: func(context.Context, *push.Receipt) error { <-release; return nil },
				Close:  func() { closed.Add(1) },
			}, nil
		})
		if err := h.Init(`{"buffer":4,"timeout":"1h"}`); err != nil {
			t.Fatal(err)
		}
		got := make(outcomes, 4)
		got.give(t, h, 1)
		synctest.Wait()
		got.give(t, h, 3)

		start := time.Now()
		h.Stop()
		if took := time.Since(start); took != 10500*time.Millisecond {
			t.Errorf("Stop took %s, want 10.5s", took)
		}
		// Once given up, it is not waited for again.
		if took, err := drain(t, h, time.Hour); took != 500*time.Millisecond || !errors.Is(err, push.ErrStopping) {
			t.Errorf("Drain = %v after %s, want ErrStopping after another 500ms", err, took)
		}
		if len(got) != 3 || closed.Load() != 0 {
			t.Errorf("%d outcomes, closed %d times while work goes on; want 3 and 0", len(got), closed.Load())
		}
		close(release)
		synctest.Wait()
		if len(got) != 4 || closed.Load() != 1 {
			t.Errorf("%d outcomes, closed %d times after the work; want 4 and 1", len(got), closed.Load())
		}
	})
}

// What a cancelled handler reports is the cancellation's fault, unless it knows
// better.
func TestDrainOutcomesOfInterruptedWork(t *testing.T) {
	t.Parallel()
	errAborted := errors.New("connection aborted")
	rest := map[push.Uid]push.Recipient{1001: {Devices: []string{"has it"}}}
	for name, tt := range map[string]struct {
		outcome    func(cause error) error
		handedBack bool
		drained    bool // Drain has nothing to complain of
	}{
		"delivered":   {outcome: func(error) error { return nil }, drained: true},
		"cause":       {outcome: func(cause error) error { return cause }, handedBack: true},
		"plain":       {outcome: func(error) error { return errAborted }, handedBack: true},
		"canceled":    {outcome: func(error) error { return context.Canceled }, handedBack: true},
		"permanent":   {outcome: push.Permanent, drained: true},
		"unavailable": {outcome: push.Unavailable, drained: true},
		"retry after": {outcome: func(cause error) error { return push.RetryAfter(cause, time.Second) }, drained: true},
		"expired":     {outcome: func(error) error { return push.ErrExpired }, drained: true},
		"part": {outcome: func(cause error) error {
			return &push.Undelivered{To: rest, Channel: "chn", Err: cause}
		}, handedBack: true},
		"part, permanently": {outcome: func(cause error) error {
			return &push.Undelivered{To: rest, Channel: "chn", Err: push.Permanent(cause)}
		}, drained: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := adapted(t, "", func(ctx context.Context, _ *push.Receipt) error {
					<-ctx.Done()
					<-time.After(499 * time.Millisecond)
					return tt.outcome(context.Cause(ctx))
				})
				got := make(outcomes, 1)
				got.give(t, h, 1)
				synctest.Wait()
				took, err := drain(t, h, time.Second)
				if took != 1499*time.Millisecond || (err == nil) != tt.drained {
					t.Errorf("Drain = %v after %s", err, took)
				}
				outcome := <-got
				if errors.Is(outcome, push.ErrNotStarted) != tt.handedBack || errors.Is(outcome, push.ErrInterrupted) != tt.handedBack {
					t.Errorf("outcome is %#v; want it handed back: %t", outcome, tt.handedBack)
				}
				if strings.HasPrefix(name, "part") {
					part, ok := asType[*push.Undelivered](outcome)
					if !ok || part.Channel != "chn" || !cmp.Equal(part.To, rest) {
						t.Errorf("outcome is %#v; want what remains", outcome)
					}
				}
			})
		})
	}
}

func TestDrainHandsBackWhatSendersStillGetIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pushtest.Blocks()
		if err := h.Init(`{"buffer":2}`); err != nil {
			t.Fatal(err)
		}
		got := make(outcomes, 100)
		var senders sync.WaitGroup
		for range 13 { // one in work, two in the buffer, and ten who do not mind waiting
			senders.Go(func() { h.Push() <- got.receipt() })
			synctest.Wait()
		}
		go h.Stop()
		senders.Wait()
		synctest.Wait()
		if len(got) != 12 {
			t.Errorf("%d receipts were handed back, want 12", len(got))
		}
		for range 12 {
			if err := <-got; !errors.Is(err, push.ErrNotStarted) || errors.Is(err, push.ErrInterrupted) {
				t.Errorf("outcome is %v, want ErrNotStarted and nothing of an interruption", err)
			}
		}
		if got.offer(h) {
			t.Error("a stopping handler took a receipt")
		}
		h.Release()
		if err := <-got; err != nil {
			t.Errorf("outcome of running work is %v", err)
		}
	})
}

// A worker that comes free while the buffer is being handed back starts nothing.
func TestDrainStartsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pushtest.Blocks()
		if err := h.Init(`{"buffer":8}`); err != nil {
			t.Fatal(err)
		}
		got := make(outcomes, 8)
		got.give(t, h, 1)
		synctest.Wait()
		first := &push.Receipt{}
		first.OnDone(func(error) {
			h.Release()
			synctest.Wait() // the worker goes on and takes the next
		})
		h.Push() <- first
		got.give(t, h, 3)
		h.Stop()
		if h.Count() != 1 || len(got) != 4 {
			t.Errorf("%d receipts started and %d outcomes, want 1 and 4", h.Count(), len(got))
		}
	})
}

func TestStopRacesWithSenders(t *testing.T) {
	t.Parallel()
	for range 200 {
		h := adapted(t, `{"buffer":3,"concurrency":3}`, func(context.Context, *push.Receipt) error { return nil })
		var taken, settled atomic.Int64
		var busy sync.WaitGroup
		for range 4 {
			busy.Go(func() {
				for range 100 {
					r := &push.Receipt{}
					r.OnDone(func(error) { settled.Add(1) })
					select {
					case h.Push() <- r:
						taken.Add(1)
					case h.Push() <- nil:
					default:
					}
				}
			})
		}
		for range 2 {
			busy.Go(h.Stop)
		}
		busy.Wait()
		h.Stop()
		if taken.Load() != settled.Load() {
			t.Fatalf("%d receipts taken, %d settled", taken.Load(), settled.Load())
		}
		select {
		case h.Push() <- &push.Receipt{}:
			t.Fatal("a stopped handler took a receipt")
		default:
		}
	}
}

func TestDrainOfWhatDoesNotRun(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	h := pushtest.AlwaysDelivers()
	if err := h.Drain(over); err != nil {
		t.Errorf("Drain before Init = %v", err)
	}
	if err := h.Init(`{"enabled":false}`); err != nil {
		t.Fatal(err)
	}
	if err := h.Drain(over); err != nil {
		t.Errorf("Drain of a disabled handler = %v", err)
	}
	if err := h.Init(""); err != nil {
		t.Fatal(err)
	}
	if err := h.Drain(over); err != nil {
		t.Errorf("Drain of an idle handler = %v", err)
	}
}
