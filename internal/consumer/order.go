package consumer

import (
	"container/list"
	"sync"
)

// order keeps the pushes of one user and conversation in the order in which the lane
// took them, which for fresh receipts is the stream's: each starts when the one before
// has left the lane. Others do not wait. See ADR 013.
//
// A delivery waits only for deliveries that were taken before it, so that no two can
// wait for each other, and the first of all that are held never waits. Nothing is
// called while the lock is held.
type order struct {
	room int // how many may wait; the oldest starts early when there are more

	mu      sync.Mutex
	last    map[uint64]*delivery // by key: the last that was taken
	waiting list.List            // of *delivery, oldest first
	ready   []*delivery          // have waited, and are to start in this order
	busy    bool                 // somebody starts those
	closed  bool                 // nobody waits any more
}

// turn is a delivery's place in an order.
type turn struct {
	keys  []uint64
	one   [1]uint64     // room for the keys of most receipts
	next  []*delivery   // those that wait for this one
	after int           // how many it waits for
	place *list.Element // in order.waiting; nil if it does not wait
}

func newOrder(room int) *order {
	return &order{room: room, last: make(map[uint64]*delivery)}
}

// enter gives d its turn and reports whether it may start at once; otherwise start
// will have it later. When more wait than there is room for, the oldest is ready.
func (o *order) enter(d *delivery, keys []uint64) (now bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return true
	}
	d.turn.keys = keys
	for _, key := range keys {
		before := o.last[key]
		o.last[key] = d
		if before == nil || before == d || len(before.turn.next) > 0 && before.turn.next[len(before.turn.next)-1] == d {
			continue
		}
		before.turn.next = append(before.turn.next, d)
		d.turn.after++
	}
	if d.turn.after == 0 {
		return true
	}
	d.turn.place = o.waiting.PushBack(d)
	if o.waiting.Len() > o.room {
		o.admit(o.waiting.Front())
	}
	return false
}

// leave ends d's turn. Those that waited for nobody else are ready.
func (o *order) leave(d *delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range d.turn.keys {
		if o.last[key] == d {
			delete(o.last, key)
		}
	}
	for _, next := range d.turn.next {
		next.turn.after--
		if next.turn.after == 0 && next.turn.place != nil {
			o.admit(next.turn.place)
		}
	}
	d.turn.keys, d.turn.next = nil, nil
}

// admit moves a delivery from those that wait to those that are ready.
func (o *order) admit(place *list.Element) { // holds mu
	d := o.waiting.Remove(place).(*delivery) //nolint:forcetypeassert // nothing else is in the list
	d.turn.place = nil
	o.ready = append(o.ready, d)
}

// start hands out those that are ready, in order and one at a time, unless somebody
// does already.
func (o *order) start(f func(*delivery)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy {
		return
	}
	o.busy = true
	for len(o.ready) > 0 {
		d := o.ready[0]
		o.ready = o.ready[1:]
		o.mu.Unlock()
		f(d)
		o.mu.Lock()
	}
	o.ready, o.busy = nil, false
}

// close ends all waiting, and returns those that waited. They will not be started.
func (o *order) close() []*delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	var all []*delivery
	for place := o.waiting.Front(); place != nil; place = o.waiting.Front() {
		d := o.waiting.Remove(place).(*delivery) //nolint:forcetypeassert // nothing else is in the list
		d.turn.place = nil
		all = append(all, d)
	}
	return all
}
