package consumer_test

import (
	"sync"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// orderLog is what one process of the model test has started, in its order. The
// badge of each receipt is its sequence; a retry may have been stored with the badge
// of a later one, and its process does not know how old that is (ADR 013, limits).
type orderLog struct {
	mu      sync.Mutex
	first   map[uint64]bool     // the broker has delivered it for the first time
	newest  map[talk]uint64     // the last that started
	read    map[talk]uint64     // the last read that the handler had
	badge   map[push.Uid]uint64 // the last receipt whose badge the handler had
	came    map[badge]span
	horizon map[*push.Receipt]horizon
}

// badge is a number that is shown to a user.
type badge struct {
	user   push.Uid
	unread int
}

// span is the first and the last of the receipts that came with a badge.
type span struct{ first, last uint64 }

// talk is a user's topic.
type talk struct {
	user  push.Uid
	topic string
}

// horizon is what a process knew when it started a receipt.
type horizon struct {
	read  map[talk]uint64
	badge map[push.Uid]uint64
}

func newOrderLog() *orderLog {
	return &orderLog{
		first: map[uint64]bool{}, newest: map[talk]uint64{}, read: map[talk]uint64{},
		badge: map[push.Uid]uint64{}, came: map[badge]span{}, horizon: map[*push.Receipt]horizon{},
	}
}

// delivered notes a delivery of the broker's, and the badges that come with it.
func (c *orderLog) delivered(o consumer.Origin, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first[o.RootSeq] = o.Stream == "PUSH" && o.Deliveries == 1
	for user, to := range users(data) {
		b := badge{user, to.Unread}
		s, known := c.came[b]
		if !known {
			s = span{o.RootSeq, o.RootSeq}
		}
		c.came[b] = span{min(s.first, o.RootSeq), max(s.last, o.RootSeq)}
	}
}

// starts notes that the lane offers r, and returns a fault if it is out of order:
// what is delivered for the first time starts in the order of the stream.
func (c *orderLog) starts(r *push.Receipt) (fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	root := uint64(r.Payload.SeqId)
	h := horizon{map[talk]uint64{}, map[push.Uid]uint64{}}
	for user := range r.To {
		t := talk{user, r.Payload.Topic}
		if c.first[root] && c.newest[t] > root {
			fault = "started after a later one of the same user and topic"
		}
		c.newest[t] = max(c.newest[t], root)
		h.read[t], h.badge[user] = c.read[t], c.badge[user]
	}
	c.horizon[r] = h
	return fault
}

// handles notes that the handler has r, and returns a fault if it is old news.
func (c *orderLog) handles(r *push.Receipt) (fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	root := uint64(r.Payload.SeqId)
	h, offered := c.horizon[r]
	for user, to := range r.To {
		t, came := talk{user, r.Payload.Topic}, c.came[badge{user, to.Unread}]
		switch {
		case !offered:
			fault = "was never offered"
		case h.read[t] > root:
			fault = "was told to somebody who had read it"
		case came.last < max(root, h.badge[user]):
			fault = "carries an older badge after a newer"
		}
		c.badge[user] = max(c.badge[user], came.first)
		if r.Payload.What == push.ActRead {
			c.read[t] = max(c.read[t], root)
		}
	}
	return fault
}

// wasRead reports whether a receipt with a later sequence than root says that user has
// read it.
func (l *ledger) wasRead(root uint64, user push.Uid) bool { // holds mu
	for later, f := range l.fates {
		if _, reader := f.plan.users(later)[user]; reader && later > root && f.plan.Read && f.plan.Topic == l.fates[root].plan.Topic {
			return true
		}
	}
	return false
}
