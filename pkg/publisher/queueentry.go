package publisher

import (
	"container/list"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// overhead is about what an entry takes in memory beside its data.
const overhead = 512

// entry is a receipt, or a part of one, that waits in a [Queue]:
//
//	add ──► follows others ──► ready ──► flying ──► removed
//	                             ▲          │ │
//	                             └──paused──┘ └──► lost ──► removed
//
// All but msg, number and since is guarded by Queue.mu.
type entry struct {
	msg    *nats.Msg
	number uint64    // in the order of the Puts, also over restarts
	since  time.Time // when it was put
	saved  *ticket   // nil without a file

	r        *push.Receipt // who put it; nil if the data says it all
	done     func(error)   // nil if nobody asks
	users    []push.Uid
	channel  string
	cost     int
	place    *list.Element
	follows  int      // how many earlier entries it waits for
	next     []*entry // those that wait for it
	flying   bool
	expired  bool
	flight   *flight // while flying, from the moment that it is known
	err      error   // why it is lost
	finished bool
}

// link puts e behind all entries with the same users or channel. The caller holds Queue.mu.
func (q *Queue) link(e *entry) {
	for _, uid := range e.users {
		e.follow(q.users[uid])
		q.users[uid] = e
	}
	if e.channel != "" {
		e.follow(q.channels[e.channel])
		q.channels[e.channel] = e
	}
	e.place = q.all.PushBack(e)
	q.bytes += e.cost
	if e.follows == 0 {
		q.ready.push(e)
	}
}

// follow makes e wait for earlier, which may be nil.
func (e *entry) follow(earlier *entry) {
	if earlier == nil || earlier == e {
		return
	}
	if n := len(earlier.next); n > 0 && earlier.next[n-1] == e {
		return // by another user of both
	}
	earlier.next = append(earlier.next, e)
	e.follows++
}

// unlink removes e and makes ready what waited for it alone. The caller holds Queue.mu.
func (q *Queue) unlink(e *entry) {
	e.finished = true
	for _, uid := range e.users {
		if q.users[uid] == e {
			delete(q.users, uid)
		}
	}
	if q.channels[e.channel] == e {
		delete(q.channels, e.channel)
	}
	q.all.Remove(e.place)
	q.bytes -= e.cost
	for _, n := range e.next {
		if n.follows--; n.follows == 0 {
			q.ready.push(n)
		}
	}
}

// line is a queue of entries; the zero value is empty.
type line struct {
	first []*entry // which go before all others, the last of them first
	items []*entry
	head  int
}

func (l *line) push(e *entry)      { l.items = append(l.items, e) }
func (l *line) pushFront(e *entry) { l.first = append(l.first, e) }

// pop returns the next entry that is neither lost nor finished; nil if there is none.
func (l *line) pop() *entry {
	for {
		e := l.take()
		if e == nil || e.err == nil && !e.finished {
			return e
		}
	}
}

func (l *line) take() *entry {
	if n := len(l.first); n > 0 {
		e := l.first[n-1]
		l.first = l.first[:n-1]
		return e
	}
	if l.head == len(l.items) {
		l.items, l.head = l.items[:0], 0
		return nil
	}
	e := l.items[l.head]
	l.items[l.head] = nil
	l.head++
	if l.head > 1024 && l.head > len(l.items)/2 { // keep the memory in proportion
		n := copy(l.items, l.items[l.head:])
		clear(l.items[n:])
		l.items, l.head = l.items[:n], 0
	}
	return e
}
