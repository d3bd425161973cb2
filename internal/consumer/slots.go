package consumer

import (
	"context"
	"sync/atomic"
	"time"
)

// lingerFor is how long linger waits for more slots than one. It bounds the
// number of pull requests per second when a handler frees its slots one by one.
const lingerFor = 5 * time.Millisecond

// slots bounds how many messages an intake holds, and is the list of them: a
// message is pulled only when a slot is free ("slot first, then message"), so
// every message the broker counts as delivered to us is in the list and gets
// heartbeats.
type slots struct {
	free chan int32
	held []atomic.Pointer[delivery]
}

func newSlots(n int) *slots {
	s := &slots{free: make(chan int32, n), held: make([]atomic.Pointer[delivery], n)} // the free list needs room for every slot
	for i := range n {
		s.free <- int32(i)
	}
	return s
}

// reserve waits for a free slot and appends it to into. It returns into unchanged when
// ctx ends first.
func (s *slots) reserve(ctx context.Context, into []int32) []int32 {
	select {
	case id := <-s.free:
		return append(into, id)
	case <-ctx.Done():
		return into
	}
}

// linger appends to into what else is free or becomes free within lingerFor, most slots
// altogether.
func (s *slots) linger(ctx context.Context, into []int32, most int) []int32 {
	linger := time.NewTimer(lingerFor)
	defer linger.Stop()
	for len(into) < most {
		select {
		case id := <-s.free:
			into = append(into, id)
		case <-linger.C:
			return into
		case <-ctx.Done():
			return into
		}
	}
	return into
}

// take appends free slots to into until it has most, or none is free.
func (s *slots) take(into []int32, most int) []int32 {
	for len(into) < most {
		select {
		case id := <-s.free:
			into = append(into, id)
		default:
			return into
		}
	}
	return into
}

// hold puts d into its reserved slot.
func (s *slots) hold(d *delivery) { s.held[d.slot].Store(d) }

// release frees slot id.
func (s *slots) release(id int32) {
	s.held[id].Store(nil)
	s.free <- id
}

// each calls f for every held delivery.
func (s *slots) each(f func(*delivery)) {
	for i := range s.held {
		if d := s.held[i].Load(); d != nil {
			f(d)
		}
	}
}

// again has the held delivery of m, if it is there yet, answer with m.
func (s *slots) again(m Message, o *Origin) {
	s.each(func(d *delivery) {
		if d.origin.Seq == o.Seq && d.origin.Stored.Equal(o.Stored) {
			d.newer.Store(&m)
		}
	})
}

// count returns how many deliveries are held.
func (s *slots) count() int {
	n := 0
	s.each(func(*delivery) { n++ })
	return n
}
