package fanout

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// crew sends to the targets of all receipts of a lane, as many at once as there are
// places, and takes one target of each receipt in turn: a large receipt does not keep
// a small one waiting. Who ends one target begins the next.
type crew[M any] struct {
	places func() int // as there are now

	mu     sync.Mutex
	rounds list.List // of *round: those with targets that nobody has taken
	used   int       // places
}

// round is one receipt's targets on their way.
type round[M any] struct {
	targets []target[M] // those that nobody has taken; crew.mu guards it
	left    atomic.Int64
	place   *list.Element
	job     interface {
		send(t *target[M])
		end() // called when all are settled
	}
}

// run begins to send to the targets of rd. A single one needs no turn.
func (c *crew[M]) run(rd *round[M]) {
	if len(rd.targets) == 1 {
		t := &rd.targets[0]
		t.alone = true
		rd.job.send(t)
		return
	}
	c.mu.Lock()
	rd.place = c.rounds.PushBack(rd)
	c.mu.Unlock()
	c.serve()
}

// serve sends to targets of whatever receipt until none is left, or no place.
func (c *crew[M]) serve() {
	for rd, t := c.take(); t != nil; rd, t = c.take() {
		rd.job.send(t)
		t.handOver()
	}
}

// take takes a target of the receipt whose turn it is, and a place for it.
func (c *crew[M]) take() (*round[M], *target[M]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.rounds.Front()
	if first == nil || c.used >= c.places() {
		return nil, nil
	}
	c.used++
	c.rounds.MoveToBack(first)
	rd := first.Value.(*round[M]) //nolint:forcetypeassert // nothing else is in the list
	return rd, c.next(rd)
}

// next takes the first target of rd, which has one; mu is held.
func (c *crew[M]) next(rd *round[M]) *target[M] {
	t := &rd.targets[0]
	if rd.targets = rd.targets[1:]; len(rd.targets) == 0 {
		c.rounds.Remove(rd.place)
	}
	return t
}

// settled takes t's place back and gives it on, unless who began t is still there and
// does that.
func (c *crew[M]) settled(rd *round[M], t *target[M]) {
	took := !t.alone
	if took {
		c.mu.Lock()
		c.used--
		c.mu.Unlock()
	}
	if rd.left.Add(-1) == 0 {
		rd.job.end()
	}
	if took && t.handOver() {
		c.serve()
	}
}
