package consumer

import (
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// Observer is told what became of receipts at the doors. What was only handed back
// untried, because the handler had no room or the provider was down, is not told.
// The zero value is told nothing.
type Observer struct {
	// Tell is called at a door, from many goroutines at a time. It must not block,
	// and keeps what it is given.
	Tell func(Outcome)
	// Clean asks for those receipts, too, of which every target was accepted.
	Clean bool
}

// Outcome is what became of a receipt at a door, and when.
type Outcome struct {
	At      time.Time
	Handler string
	// Verdict is how the receipt left its lane. Replayed says that it was sent once more
	// by hand, beside its lane, and then there is no verdict.
	Verdict  retry.Verdict
	Replayed bool
	Origin   Origin
	// Attempts counts the handler's real attempts, this one included if it was one.
	Attempts int
	// Delay is that of a redelivery, and Reason that of a burial.
	Delay  time.Duration
	Reason retry.Reason
	// Error is the text of the handler's error; empty when there was none.
	Error string
	// Users are those whom the receipt addressed this time; nil when it could not be
	// read. Untargeted are those of them of whom the handler has listed no target, because
	// they have no device that it sends it to; they are not among Users. Nobody else holds
	// the slices.
	Users, Untargeted []push.Uid
	// Counts adds up what became of the targets, and Targets lists them if the
	// handler has told; read it only.
	Counts  push.Targets
	Targets []push.Target
}

// clean reports whether nothing but acceptances is to be told.
func clean(v retry.Verdict, t push.Targets) bool {
	return v == retry.Ack && t.Skipped|t.Gone|t.Rejected|t.Retried == 0
}

// tell tells the observer.
func (d *delivery) tell(o Outcome, counts push.Targets, why error) {
	to := &d.lane.observer
	if to.Tell == nil || !to.Clean && clean(o.Verdict, counts) {
		return
	}
	o.Handler, o.Origin, o.Counts = d.lane.name, *d.origin, counts
	if why != nil {
		o.Error = why.Error()
	}
	o.Users = d.users
	if d.receipt != nil && (d.tried || o.Verdict != retry.Redeliver) { // else the handler may have it still
		if o.Users == nil {
			o.Users, o.Untargeted = targeted(d.receipt)
		}
		o.Users = append(o.Users, d.elsewhere...)
		o.Targets = d.itemized()
	}
	to.Tell(o)
}

// users are those whom r addresses.
func users(r *push.Receipt) []push.Uid {
	all := make([]push.Uid, 0, len(r.To))
	for user := range r.To {
		all = append(all, user)
	}
	return all
}

// targeted are the users of r with a target, and those without one, if the handler has
// listed as many targets as it has counted.
func targeted(r *push.Receipt) (with, without []push.Uid) {
	with = users(r)
	targets := r.Itemized()
	told, _ := r.Tallied()
	whole := func(t push.Target) bool { return t.Device.User.IsZero() && t.Channel == "" }
	if targets == nil || len(targets) != told.Accepted+told.Skipped+told.Gone+told.Rejected+told.Retried || slices.ContainsFunc(targets, whole) {
		return with, nil
	}
	slices.Sort(with)
	have := make([]bool, len(with))
	for i := range targets {
		if at, ok := slices.BinarySearch(with, targets[i].Device.User); ok {
			have[at] = true
		}
	}
	all := with
	with = all[:0]
	for i, u := range all {
		if have[i] {
			with = append(with, u)
		} else {
			without = append(without, u)
		}
	}
	return with, without
}
