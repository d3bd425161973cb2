package line

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// limit follows what the server allows: fewer requests at once when it refuses,
// more when it accepts (additive increase, multiplicative decrease).
type limit struct {
	mu        sync.Mutex
	now       float64 // requests allowed at once
	least     float64
	most      float64
	used      int
	lowered   time.Time
	waiting   list.List // of *waiter, in the order of their coming
	admitting bool      // somebody lets in who waits
}

const (
	// shrinkage is what remains of the limit after a refusal, once a second at most.
	shrinkage = 0.7
	// growth is by how much an accepted request raises the limit: twenty for one
	// more at once.
	growth = 0.05
)

func newLimit(most int) *limit {
	return &limit{now: float64(most), least: min(8, float64(most)), most: float64(most)}
}

// enter takes a place, which leave gives back; it is false if that has to be waited
// for.
func (l *limit) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting.Len() > 0 || float64(l.used) >= l.now {
		return false
	}
	l.used++
	return true
}

// waiter is who waits for a place.
type waiter struct {
	next  func(error)
	place *list.Element // nil when the waiting is over; mu guards it
	stop  func() bool
}

// wait has next called with a place, or with an error if ctx ends first. First come,
// first served.
func (l *limit) wait(ctx context.Context, next func(error)) {
	l.mu.Lock()
	w := &waiter{next: next}
	w.place = l.waiting.PushBack(w)
	w.stop = context.AfterFunc(ctx, func() { l.giveUp(ctx, w) })
	l.admit()
}

// giveUp takes out who still waits.
func (l *limit) giveUp(ctx context.Context, w *waiter) {
	l.mu.Lock()
	waits := w.place != nil
	if waits {
		l.waiting.Remove(w.place)
		w.place = nil
	}
	l.mu.Unlock()
	if waits {
		w.next(fmt.Errorf("wait for a place: %w", context.Cause(ctx)))
	}
}

// leave gives a place back and learns from how it went.
func (l *limit) leave(accepted, refused bool, at time.Time) {
	l.mu.Lock()
	switch {
	case refused && at.Sub(l.lowered) >= time.Second:
		l.now, l.lowered = max(l.least, l.now*shrinkage), at
	case accepted:
		l.now = min(l.most, l.now+growth)
	}
	l.used--
	l.admit()
}

// admit starts the waiting requests that the limit allows, one after the other. A
// request may end, and call admit again, before its start returns. mu is held, and
// released.
func (l *limit) admit() {
	if l.admitting {
		l.mu.Unlock()
		return
	}
	l.admitting = true
	for l.waiting.Len() > 0 && float64(l.used) < l.now {
		w := l.waiting.Remove(l.waiting.Front()).(*waiter) //nolint:forcetypeassert // nothing else is in the list
		w.place = nil
		l.used++
		l.mu.Unlock()
		w.stop()
		w.next(nil)
		l.mu.Lock()
	}
	l.admitting = false
	l.mu.Unlock()
}
