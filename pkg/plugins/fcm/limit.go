package fcm

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
	mu      sync.Mutex
	now     float64 // requests allowed at once
	least   float64
	most    float64
	used    int
	lowered time.Time
	waiting list.List // of chan struct{}, in the order of their coming
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

// acquire waits for a place, which done gives back. First come, first served.
func (l *limit) acquire(ctx context.Context) error {
	l.mu.Lock()
	if l.waiting.Len() == 0 && float64(l.used) < l.now {
		l.used++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := l.waiting.PushBack(turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-turn: // it came at the same moment
		l.used--
		l.admit()
	default:
		l.waiting.Remove(place)
	}
	return fmt.Errorf("wait for a place: %w", context.Cause(ctx))
}

// done gives a place back and learns from how it went.
func (l *limit) done(accepted, refused bool, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case refused && at.Sub(l.lowered) >= time.Second:
		l.now, l.lowered = max(l.least, l.now*shrinkage), at
	case accepted:
		l.now = min(l.most, l.now+growth)
	}
	l.used--
	l.admit()
}

// admit lets in whoever may come; mu is held.
func (l *limit) admit() {
	for l.waiting.Len() > 0 && float64(l.used) < l.now {
		close(l.waiting.Remove(l.waiting.Front()).(chan struct{})) //nolint:forcetypeassert // nothing else is in the list
		l.used++
	}
}
