package fcm

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/pushworker/pushworker/pkg/push"
)

// smallReceipt is up to how many recipients a receipt begins without waiting for
// larger ones.
const smallReceipt = 8

// fanout sends to the targets of all receipts of a lane. Receipts begin when there is
// room, so that what is kept for the targets of those that have begun is bounded.
// Their targets are sent to by helpers, as many as there may be requests at once, who
// take one target of each receipt in turn: a large receipt does not keep a small one
// waiting. Besides, each receipt's own goroutine sends to its targets.
type fanout struct {
	room  *semaphore.Weighted // counts recipients
	large int64               // what the largest receipt takes of it
	most  int                 // helpers

	mu      sync.Mutex
	rounds  list.List // of *round: those with targets that nobody has taken
	helpers int
}

// round is one receipt's targets on their way.
type round struct {
	targets []target // those that nobody has taken; fanout.mu guards it
	send    func(*target)
	left    sync.WaitGroup
	place   *list.Element
}

// newFanout makes a fanout for inFlight requests at once. Two receipts that fill them
// have room, so that one begins before the last targets of the other are done.
func newFanout(inFlight int) *fanout {
	return &fanout{room: semaphore.NewWeighted(2 * int64(inFlight)), large: int64(inFlight), most: inFlight}
}

// begin is [push.Work.Begin].
func (f *fanout) begin(ctx context.Context, r *push.Receipt) (end func(), err error) {
	n := int64(len(r.To))
	if n <= smallReceipt {
		return func() {}, nil
	}
	n = min(n, f.large)
	if err := f.room.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("wait for larger receipts: %w", context.Cause(ctx))
	}
	return func() { f.room.Release(n) }, nil
}

// deliver calls send for each of targets, from several goroutines at once, and
// returns when all calls have.
func (f *fanout) deliver(targets []target, send func(*target)) {
	if len(targets) == 1 {
		send(&targets[0])
		return
	}
	r := &round{targets: targets, send: send}
	r.left.Add(len(targets))
	f.mu.Lock()
	r.place = f.rounds.PushBack(r)
	start := max(0, min(len(targets)-1, f.most-f.helpers))
	f.helpers += start
	f.mu.Unlock()
	for range start {
		go f.help()
	}
	for t := f.takeOf(r); t != nil; t = f.takeOf(r) {
		r.serve(t)
	}
	r.left.Wait()
}

// help sends to targets of whatever receipt until none is left.
func (f *fanout) help() {
	for {
		r, t := f.take()
		if t == nil {
			return
		}
		r.serve(t)
	}
}

// take takes a target of the receipt whose turn it is. Without one the helper ends.
func (f *fanout) take() (*round, *target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.rounds.Front()
	if first == nil {
		f.helpers--
		return nil, nil
	}
	f.rounds.MoveToBack(first)
	r := first.Value.(*round) //nolint:forcetypeassert // nothing else is in the list
	return r, f.next(r)
}

// takeOf takes a target of r; nil when all are taken.
func (f *fanout) takeOf(r *round) *target {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(r.targets) == 0 {
		return nil
	}
	return f.next(r)
}

// next takes the first target of r, which has one; mu is held.
func (f *fanout) next(r *round) *target {
	t := &r.targets[0]
	if r.targets = r.targets[1:]; len(r.targets) == 0 {
		f.rounds.Remove(r.place)
	}
	return t
}

// serve sends to t.
func (r *round) serve(t *target) {
	defer r.left.Done()
	r.send(t)
}
