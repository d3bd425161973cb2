package consumer

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/internal/tracing"
	"github.com/pushworker/pushworker/pkg/push"
)

// delivery is one message in this process's hands, from its arrival in a slot
// until it has left through a door.
type delivery struct {
	lane    *Lane
	in      *intake
	slot    int32
	weight  atomic.Int64 // what it takes in memory
	msg     Message
	newer   atomic.Pointer[Message] // delivered again since; nil if it was not
	data    []byte                  // of the message, without what has been settled since
	origin  *Origin
	taken   time.Time
	due     time.Time     // when the handler was to have it, first or at last
	beat    time.Time     // last heartbeat; only the heartbeat goroutine touches it after taken
	expires time.Time     // zero: never
	receipt *push.Receipt // nil if it could not be read
	queued  push.Delivery // what receipt knows of origin
	targets int
	users   []push.Uid  // of receipt, if it is not ours any more
	tried   bool        // the handler has had its say
	probe   func(error) // tells the breaker, if this delivery is its probe
	leaving atomic.Bool

	trace     *tracing.Attempt // nil if it is not traced
	turn      turn
	talk      conversation
	elsewhere []push.Uid // who has read it elsewhere, and is not among the receipt's
}

// done is the receipt's settlement: the handler calls it, once, from anywhere.
func (d *delivery) done(err error) {
	if !d.leaving.CompareAndSwap(false, true) {
		return
	}
	now := time.Now()
	d.tried = true
	d.handled(d.receipt.Begun(), now)
	if err = d.lane.weigh(d, err); err == nil {
		d.ack(retry.Ack, nil, now)
		return
	}
	d.endTurn()
	d.settle(d.narrowed(err), now)
}

// settle carries out what the policy decides about a failure.
func (d *delivery) settle(err error, now time.Time) {
	d.lane.noteReturned(err)
	decision := d.lane.policy.Decide(retry.Outcome{
		Err:      err,
		Attempts: d.origin.Attempts + 1,
		Age:      d.origin.age(now),
		Left:     d.left(now),
		Jitter:   rand.Float64(), //nolint:gosec // jitter needs no secrecy
	})
	switch decision.Verdict {
	case retry.Ack, retry.Expire:
		if rejected(err) != nil {
			d.ackRejected(decision.Verdict, err)
			return
		}
		d.ack(decision.Verdict, err, now)
	case retry.Redeliver:
		d.redeliver(decision, err)
	case retry.Bury:
		d.bury(decision.Reason, err)
	}
}

// message is what answers the broker: the last delivery. A durable that was made anew
// ignores a nak of what the one before it has delivered.
func (d *delivery) message() Message {
	if newer := d.newer.Load(); newer != nil {
		return *newer
	}
	return d.msg
}

// weighs adds n to what d takes in memory, and returns n.
func (d *delivery) weighs(n int64) int64 {
	d.weight.Add(n)
	return n
}

// left is the time until the receipt expires, at least 1 ns; 0 means never.
func (d *delivery) left(now time.Time) time.Duration {
	if d.expires.IsZero() {
		return 0
	}
	return max(d.expires.Sub(now), 1)
}

// handBack gives the message back untried, and reports whether it was still here.
func (d *delivery) handBack(why error) bool {
	if !d.leaving.CompareAndSwap(false, true) {
		return false
	}
	d.redeliver(retry.HandBack(rand.Float64()), why) //nolint:gosec // jitter needs no secrecy
	return true
}
