package consumer

import (
	"errors"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
)

// A receipt that ends processes leaves no outcome; the broker's count of deliveries
// is its only trace (ADR 005).
const (
	// deathsOfSuspect is how many processes must have ended while they held a
	// receipt before it is set apart.
	deathsOfSuspect = 2
	// deathsOfCulprit is how many processes must have ended while they held a
	// suspect before it is buried. Two prove nothing: that is how often another
	// receipt can end a process before it is set apart, too.
	deathsOfCulprit = 3
	// headStart is how long a lane that starts looks for suspects before it pulls
	// anything else. One that a process has died with is so tried before what else
	// comes back fills the handler, and its next death says something about it.
	headStart = 50 * time.Millisecond
)

var (
	errSuspect   = errors.New("processes ended while they held the receipt; it will run alone")
	errCrashLoop = errors.New("processes ended while they held the receipt, the last three while it was the only suspect")
)

// setApart deals with receipts in whose hands processes end: after two such ends
// the receipt is moved to the suspects, of which one at a time is tried; if three
// processes more end with it there, it is buried (ADR 005).
func (in *intake) setApart(d *delivery) bool {
	if d.origin.Deliveries <= 1 || !in.lane.reports {
		return false
	}
	deaths := d.origin.Deliveries - 1 - in.handBacks(d.origin)
	switch {
	case d.origin.Alone && deaths >= deathsOfCulprit:
		d.leaving.Store(true)
		d.bury(retry.CrashLoop, errCrashLoop)
		return true
	case !d.origin.Alone && deaths >= deathsOfSuspect:
		d.origin.Alone = true
		d.handBack(errSuspect)
		return true
	}
	return false
}

// handedBack remembers that this process gave o's message back, which the broker
// counts as a delivery although nobody died.
func (in *intake) handedBack(o Origin) {
	id := messageID{seq: o.Seq, stored: o.Stored.UnixNano()}
	n, _ := in.backs.Get(id)
	in.backs.Add(id, n+1)
}

func (in *intake) handBacks(o Origin) int {
	n, _ := in.backs.Peek(messageID{seq: o.Seq, stored: o.Stored.UnixNano()})
	return n
}

// looksDeadly reports whether another nak would make the message look to other
// processes as if it had ended two of them: they see the count of deliveries, and
// not why it grew. A retry starts counting anew.
func (d *delivery) looksDeadly() bool {
	return d.lane.reports && d.origin.Deliveries >= deathsOfSuspect
}

// refused deals with a store that took nothing: the message comes back as it was.
// A suspect stays in hand instead, and is stored again: the broker would count its
// coming back, and to other processes that looks like a death. Only a lane that
// stops lets go of it.
func (d *delivery) refused(again func(), err error) {
	d.endProbe()
	if !d.msg.Origin().Alone || sleep(d.lane.pulling, d.pause()) != nil {
		d.leaving.Store(true)
		d.nak(d.pause(), err)
		return
	}
	d.lane.store(again)
}
