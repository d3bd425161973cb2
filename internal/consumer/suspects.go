package consumer

import (
	"errors"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
)

// A receipt that ends processes leaves no outcome; the broker's count of deliveries
// is its only trace (ADR 005).
const (
	// crashesToQuarantine is how many processes must have ended while they held a
	// receipt before it is quarantined.
	crashesToQuarantine = 2
	// crashesToBury is how many processes must have ended while they held a
	// suspect before it is buried. Two prove nothing: that is how often another
	// receipt can end a process before it is quarantined, too.
	crashesToBury = 3
	// headStart is how long a lane that starts looks for suspects before it pulls
	// anything else. One that a process has died with is so tried before what else
	// comes back fills the handler, and its next death says something about it.
	headStart = 50 * time.Millisecond
)

var (
	errSuspect   = errors.New("workers crashed while they held the receipt; it will be sent alone")
	errCrashLoop = errors.New("workers crashed while they held the receipt, the last three times while it was sent alone")
)

// quarantine deals with receipts in whose hands processes end: after two such ends
// the receipt is moved to the suspects, of which one at a time is tried; if three
// processes more end with it there, it is buried (ADR 005).
func (in *intake) quarantine(d *delivery) bool {
	if d.origin.Deliveries <= 1 || !in.lane.reports {
		return false
	}
	crashes := d.origin.Deliveries - 1
	switch {
	case d.origin.Alone && crashes >= crashesToBury:
		d.leaving.Store(true)
		d.bury(retry.CrashLoop, errCrashLoop)
		return true
	case !d.origin.Alone && crashes >= crashesToQuarantine:
		d.origin.Alone = true
		d.handBack(errSuspect)
		return true
	}
	return false
}

// looksLikeACrash reports whether another nak would make the message look to other
// processes as if it had ended two of them: they see the count of deliveries, and
// not why it grew. A retry starts counting anew.
func (d *delivery) looksLikeACrash() bool {
	return d.lane.reports && d.origin.Deliveries >= crashesToQuarantine
}
