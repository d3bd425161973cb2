package line

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// waiters are those who wait for the same, first come, first served.
type waiters struct {
	mu   *sync.Mutex // guards them; their owner's
	what string      // they wait for
	list list.List   // of *waiter, in the order of their coming
}

// waiter is who waits.
type waiter struct {
	next   func(error)
	latest time.Time     // it is of no use to continue later; zero for never
	place  *list.Element // nil when the waiting is over
	stop   func() bool
}

// add has next called with an error if ctx ends before its turn comes. mu is held.
func (w *waiters) add(ctx context.Context, next func(error)) *waiter {
	one := &waiter{next: next}
	one.place = w.list.PushBack(one)
	one.stop = context.AfterFunc(ctx, func() { w.giveUp(ctx, one) })
	return one
}

// take takes out who has waited longest. There is one, and mu is held.
func (w *waiters) take() *waiter {
	one := w.list.Remove(w.list.Front()).(*waiter) //nolint:forcetypeassert // nothing else is in the list
	one.place = nil
	return one
}

// giveUp takes out who still waits.
func (w *waiters) giveUp(ctx context.Context, one *waiter) {
	w.mu.Lock()
	waits := one.place != nil
	if waits {
		w.list.Remove(one.place)
		one.place = nil
	}
	w.mu.Unlock()
	if waits {
		one.next(fmt.Errorf("wait for %s: %w", w.what, context.Cause(ctx)))
	}
}

// late reports whether it is too late for who has waited longest. There is one, and mu is
// held.
func (w *waiters) late(now time.Time) bool {
	latest := w.list.Front().Value.(*waiter).latest //nolint:forcetypeassert // as in take
	return !latest.IsZero() && now.After(latest)
}

// resume has who was taken out continue, or fail with err. mu is not held.
func (w *waiter) resume(err error) {
	w.stop()
	w.next(err)
}
