package push_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// starter is a handler with Start whose work is ended by the test.
type starter struct {
	*push.Adapter
	begun chan *begunWork
}

// begunWork is what Start was given.
type begunWork struct {
	ctx     context.Context //nolint:containedctx // what the test looks at
	receipt *push.Receipt
	done    func(error)
}

// newStarter starts a handler of so many places, for receipts that weigh their SeqId.
func newStarter(t *testing.T, places int, config string) *starter {
	t.Helper()
	s := &starter{begun: make(chan *begunWork, 100)}
	s.Adapter = push.Adapt(func(string) (push.Work, error) {
		return push.Work{
			Start: func(ctx context.Context, r *push.Receipt, done func(error)) {
				s.begun <- &begunWork{ctx, r, done}
			},
			Weight:      func(r *push.Receipt) int { return r.Payload.SeqId },
			Concurrency: places,
		}, nil
	})
	if err := s.Init(config); err != nil {
		t.Fatal(err)
	}
	return s
}

// give has the handler take receipts of these weights.
func (s *starter) give(got outcomes, weights ...int) {
	for _, n := range weights {
		r := got.receipt()
		r.Payload.SeqId = n
		s.Push() <- r
		synctest.Wait()
	}
}

// next is the weight of the work that has begun next; 0 if none has.
func (s *starter) next() *begunWork {
	synctest.Wait()
	select {
	case b := <-s.begun:
		return b
	default:
		return nil
	}
}

func (s *starter) wantBegun(t *testing.T, weights ...int) (all []*begunWork) {
	t.Helper()
	for _, n := range weights {
		b := s.next()
		if b == nil || b.receipt.Payload.SeqId != n {
			t.Fatalf("%+v has begun, want a receipt of weight %d", b, n)
		}
		all = append(all, b)
	}
	if b := s.next(); b != nil {
		t.Fatalf("a receipt of weight %d has begun, too", b.receipt.Payload.SeqId)
	}
	return all
}

// TestStart: work that was started ends when done is called, only the first outcome
// counts, and no goroutine waits for it. Not parallel: it counts the process's goroutines.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStarter(t, 100, `{"timeout":"2s"}`)
		got := make(outcomes, 100)
		before := runtime.NumGoroutine()
		s.give(got, make([]int, 50)...)
		work := s.wantBegun(t, make([]int, 50)...)
		if n := runtime.NumGoroutine() - before; n > 0 {
			t.Errorf("%d goroutines wait", n)
		}
		if until, ok := work[0].ctx.Deadline(); !ok || time.Until(until) != 2*time.Second {
			t.Errorf("%s are left, want the whole timeout", time.Until(until))
		}
		if work[0].receipt.Begun() != time.Now() {
			t.Errorf("begun at %s", work[0].receipt.Begun())
		}
		errPlain := errors.New("try again")
		work[0].done(errPlain)
		work[0].done(nil)
		if err := <-got; err != errPlain || len(got) != 0 { //nolint:errorlint // want the very same
			t.Errorf("outcome is %v, and %d more", err, len(got))
		}
		if err := work[0].ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("context's error after the outcome is %v", err)
		}
		<-work[1].ctx.Done()
		work[1].done(work[1].ctx.Err())
		if err := <-got; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no outcome within 2s") {
			t.Errorf("outcome is %v, want that the timeout has passed", err)
		}
		for _, w := range work[2:] {
			w.done(nil)
		}
		s.Stop()
	})
}

// TestStartPanics: a panic is an outcome, unless there is one, and ends nobody else's
// work.
func TestStartPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Start: func(_ context.Context, r *push.Receipt, done func(error)) {
					if r.Payload.SeqId == 2 {
						done(nil)
					}
					panicsWith("secret")
				},
				Weight: func(r *push.Receipt) int {
					if r.Payload.SeqId == 3 {
						panicsWith("secret")
					}
					return 1
				},
			}, nil
		})
		if err := h.Init(""); err != nil {
			t.Fatal(err)
		}
		got := make(outcomes, 3)
		for n := 1; n <= 3; n++ {
			r := got.receipt()
			r.Payload.SeqId = n
			h.Push() <- r
			err := <-got
			p, ok := asType[*push.PanicError](err)
			if ok != (n != 2) || ok && !strings.Contains(string(p.Stack), "panicsWith") {
				t.Errorf("outcome %d is %#v", n, err)
			}
		}
		h.Stop()
		if len(got) != 0 {
			t.Errorf("%d outcomes too many", len(got))
		}
	})
}

// TestStartWeights: receipts begin while there are places for what they weigh. Light ones
// do not wait for heavy ones, and heavy ones begin in their turn.
func TestStartWeights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarter(t, 20, "")
		got := make(outcomes, 100)
		s.give(got, 20, 1000, 9, 10) // the second takes all places
		heavy := s.wantBegun(t, 20, 1000)
		s.give(got, 8, 8, 4)
		light := s.wantBegun(t, 8, 8, 4)
		s.give(got, 1)
		s.wantBegun(t)
		light[2].done(nil)
		light = append(light, s.wantBegun(t, 1)...)
		heavy[0].done(nil)
		heavy = append(heavy, s.wantBegun(t, 9, 10)...)
		s.give(got, 11, 9)
		s.wantBegun(t)
		heavy[3].done(nil) // 29 are taken
		heavy = append(heavy, s.wantBegun(t, 11)...)
		heavy[1].done(nil)
		heavy = append(heavy, s.wantBegun(t, 9)...)
		for _, w := range append(heavy, light...) {
			w.done(nil)
		}
		s.Stop()
		for len(got) > 0 {
			if err := <-got; err != nil {
				t.Errorf("outcome is %v", err)
			}
		}
	})
}

// TestStartDrains: a stop hands back at once what has not begun, whatever it waits for,
// and gives the rest its time.
func TestStartDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarter(t, 10, `{"buffer":50}`)
		running, waiting := make(outcomes, 100), make(outcomes, 100)
		s.give(running, 10, 10, 8, 2)
		work := s.wantBegun(t, 10, 10, 8, 2)
		heavy := 10 + 1 + runtime.GOMAXPROCS(0) // wait for their turn, to wait, and in the buffer
		for range heavy {
			s.give(waiting, 9)
		}
		s.give(waiting, 1, 1)
		s.wantBegun(t)
		ended := make(chan error, 1)
		go func() { ended <- s.Drain(t.Context()) }()
		synctest.Wait()
		if len(waiting) != heavy+2 {
			t.Errorf("%d receipts were handed back, want %d", len(waiting), heavy+2)
		}
		for len(waiting) > 0 {
			if err := <-waiting; !errors.Is(err, push.ErrNotStarted) || errors.Is(err, push.ErrInterrupted) {
				t.Errorf("outcome is %v, want ErrNotStarted and nothing of an interruption", err)
			}
		}
		for _, w := range work {
			select {
			case err := <-ended:
				t.Fatalf("Drain has ended with %v before the work", err)
			default:
			}
			w.done(nil)
			synctest.Wait()
		}
		if err := <-ended; err != nil {
			t.Errorf("Drain = %v", err)
		}
		s.wantBegun(t)
	})
}

// TestStartIsCancelled: work that takes too long for a stop is cancelled with its cause,
// and handed back; work that does not end is left alone.
func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarter(t, 10, "")
		got := make(outcomes, 2)
		s.give(got, 1, 2)
		work := s.wantBegun(t, 1, 2)
		context.AfterFunc(work[0].ctx, func() { work[0].done(context.Cause(work[0].ctx)) })
		took, err := drain(t, s, 3*time.Second)
		if took != 3500*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v after %s, want that the deadline has passed after 3.5s", err, took)
		}
		if err := <-got; !errors.Is(err, push.ErrNotStarted) || !errors.Is(err, push.ErrStopping) || !errors.Is(err, push.ErrInterrupted) {
			t.Errorf("outcome is %v, want that it was handed back because of ErrStopping", err)
		}
		work[1].done(nil)
		if err := <-got; err != nil {
			t.Errorf("outcome of what was left alone is %v", err)
		}
	})
}

// TestStartRoom: light receipts begin as there is room for them now, and one always may.
func TestStartRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := 3
		s := &starter{begun: make(chan *begunWork, 100)}
		s.Adapter = push.Adapt(func(string) (push.Work, error) {
			return push.Work{
				Start:       func(ctx context.Context, r *push.Receipt, done func(error)) { s.begun <- &begunWork{ctx, r, done} },
				Room:        func() int { return room },
				Concurrency: 10,
			}, nil
		})
		if err := s.Init(""); err != nil {
			t.Fatal(err)
		}
		got := make(outcomes, 100)
		s.give(got, 1, 2, 3, 4, 5, 6, 7)
		work := s.wantSome(t, 3)
		room = 4
		work[0].done(nil)
		work = append(work[1:], s.wantSome(t, 2)...)
		room = 0
		for _, w := range work[1:] {
			w.done(nil)
		}
		s.wantSome(t, 0)
		work[0].done(nil)
		s.wantSome(t, 1)[0].done(nil)
		s.wantSome(t, 1)[0].done(nil)
		s.Stop()
	})
}

// wantSome is wantBegun for n receipts of any weight.
func (s *starter) wantSome(t *testing.T, n int) (all []*begunWork) {
	t.Helper()
	for b := s.next(); b != nil; b = s.next() {
		all = append(all, b)
	}
	if len(all) != n {
		t.Fatalf("%d receipts have begun, want %d", len(all), n)
	}
	return all
}
