package line

import (
	"context"
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
	waiting   waiters
	admitting bool // somebody lets in who waits
}

const (
	// shrinkage is what remains of the limit after a refusal, once a second at most.
	shrinkage = 0.7
	// growth is by how much an accepted request raises the limit: twenty for one
	// more at once.
	growth = 0.05
)

func newLimit(most int) *limit {
	l := &limit{now: float64(most), least: min(8, float64(most)), most: float64(most)}
	l.waiting.mu, l.waiting.what = &l.mu, "a place"
	return l
}

// enter takes a place, which leave gives back; it is false if that has to be waited
// for.
func (l *limit) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting.list.Len() > 0 || float64(l.used) >= l.now {
		return false
	}
	l.used++
	return true
}

// wait has next called with a place, or with an error if ctx ends first. First come,
// first served.
func (l *limit) wait(ctx context.Context, next func(error)) {
	l.mu.Lock()
	l.waiting.add(ctx, next)
	l.admit()
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
	for l.waiting.list.Len() > 0 && float64(l.used) < l.now {
		w := l.waiting.take()
		l.used++
		l.mu.Unlock()
		w.resume(nil)
		l.mu.Lock()
	}
	l.admitting = false
	l.mu.Unlock()
}
