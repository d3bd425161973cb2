package credential

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Ticket is what the provider gets to see, to be read only.
type Ticket[T any] struct {
	Value  T
	Expiry time.Time

	err     error // why there is none
	refused atomic.Bool

	mu      sync.Mutex
	settled bool     // it has been replaced after that, or will not be soon
	waiting []func() // called then
}

// Refused has a ticket replaced because the provider has refused it, unless it has
// been.
func (s *Source[T]) Refused(t *Ticket[T]) {
	if t == nil || t != s.ticket.Load() || t.refused.Swap(true) {
		return
	}
	select {
	case s.renew <- struct{}{}:
	default:
	}
}

// Instead waits for a ticket in place of one that was refused; nil if there is none
// soon.
func (s *Source[T]) Instead(ctx context.Context, refused *Ticket[T]) *Ticket[T] {
	got := make(chan *Ticket[T], 1)
	s.Replaced(ctx, refused, func(t *Ticket[T]) { got <- t })
	return <-got
}

// Replaced is Instead by callback: then is called once, from any goroutine and perhaps
// before it returns.
func (s *Source[T]) Replaced(ctx context.Context, refused *Ticket[T], then func(*Ticket[T])) {
	s.Refused(refused)
	once := new(atomic.Bool)
	stop := context.AfterFunc(ctx, func() {
		if !once.Swap(true) {
			then(nil)
		}
	})
	refused.wait(func() {
		if once.Swap(true) {
			return
		}
		stop()
		t, err := s.Now()
		if err != nil || t == refused {
			t = nil
		}
		then(t)
	})
}

// settle tells those who wait, in a goroutine that all of them share.
func (t *Ticket[T]) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting := t.waiting
	t.settled, t.waiting = true, nil
	if len(waiting) == 0 {
		return
	}
	go func() {
		for _, next := range waiting {
			next()
		}
	}()
}

// wait calls next when the ticket is settled.
func (t *Ticket[T]) wait(next func()) {
	t.mu.Lock()
	settled := t.settled
	if !settled {
		t.waiting = append(t.waiting, next)
	}
	t.mu.Unlock()
	if settled {
		next()
	}
}
