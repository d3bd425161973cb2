package fanout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// together is how much longer those wait whose time is nearly the same, so that a
	// receipt with many devices that rest does not come back once for each.
	together = time.Second
	// maxNamed is how many refused targets a letter names.
	maxNamed = 20
)

// tally collects the fates of a receipt's targets and makes the outcome of them.
// Its methods are safe for concurrent use.
type tally struct {
	receipt *push.Receipt

	mu      sync.Mutex
	counts  push.Targets
	items   []push.Target // of all
	taken   []push.Device // of targets that got it, or were refused it for good
	remain  []outstanding
	refused []outstanding
	outage  error      // why the provider as a whole cannot be used
	damaged []push.Uid // whose devices cannot be read

	// aside is told of who is no target, and why; nil if nobody wants to know.
	aside func(d push.Device, why string)
}

// outstanding is a target that has not got it.
type outstanding struct {
	device push.Device
	answer line.Answer
}

func newTally(r *push.Receipt) *tally { return &tally{receipt: r} }

// hasPacket is why a device is skipped.
const hasPacket = "the device already has the packet"

// skip notes a target that needs nothing, and why.
func (t *tally) skip(d push.Device, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Skipped++
	t.items = append(t.items, push.Target{Device: d, Result: push.ResultSkipped, Why: why})
}

// spare notes that d gets nothing because of why, and reports whether that is so. A token
// of a kind, such as one for calls, is for few pushes: that it gets no other is nothing to
// tell.
func (t *tally) spare(d push.Device, why string) bool {
	switch {
	case why == "":
		return false
	case d.More().Kind != "":
		t.setAside(d, why)
	default:
		t.skip(d, why)
	}
	return true
}

func (t *tally) setAside(d push.Device, why string) {
	if t.aside != nil {
		t.aside(d, why)
	}
}

// wait notes that the devices of some users cannot be read: their share of the
// receipt comes again, since nobody knows whether there is anybody to tell.
func (t *tally) wait(damaged *push.UnreadableError) {
	if damaged == nil {
		return
	}
	t.damaged = damaged.Users
	for _, user := range damaged.Users {
		t.note(push.Device{User: user}, line.Answer{Fate: line.Again, Tried: true, Err: damaged})
	}
}

// note notes what became of a target. Gone ones are not in the ledger of a
// retry, as they are no more in the directory either.
func (t *tally) note(to push.Device, a line.Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	item := push.Target{Device: to, UniqueID: a.UniqueID}
	if isChannel(to) {
		item.Channel = t.receipt.Channel
	}
	if a.Err != nil {
		item.Why = a.Err.Error()
	}
	switch a.Fate {
	case line.Accepted:
		t.counts.Accepted++
		item.Result = push.ResultAccepted
		t.taken = append(t.taken, to)
	case line.Gone:
		t.counts.Gone++
		item.Result = push.ResultGone
	case line.Rejected:
		t.counts.Rejected++
		item.Result = push.ResultRejected
		t.taken = append(t.taken, to)
		t.refused = append(t.refused, outstanding{to, a})
	case line.Again:
		if a.Scope == line.All {
			t.outage = a.Err
		}
		t.counts.Retried++
		item.Result = push.ResultRetried
		t.remain = append(t.remain, outstanding{to, a})
	}
	t.items = append(t.items, item)
}

// report tells the lane what became of the targets, of which there may be none.
func (t *tally) report() {
	if t.items == nil {
		t.items = []push.Target{}
	}
	t.receipt.Tally(t.counts)
	t.receipt.Itemize(t.items)
}

// outcome is the instruction for the receipt, once all targets have been noted.
func (t *tally) outcome() error {
	untouched := t.counts.Accepted+t.counts.Gone+t.counts.Rejected == 0
	switch {
	case len(t.remain) > 0 && untouched:
		return t.cause() // the receipt comes back as it is
	case len(t.remain) > 0:
		return t.part(t.remain, t.taken, t.cause(), t.refusal())
	case len(t.refused) == 0:
		return nil
	case t.counts.Accepted+t.counts.Gone == 0:
		return t.permanent()
	}
	return t.part(t.refused, t.taken, t.permanent(), nil)
}

// refusal is the letter's share of an outcome of which something remains: the
// refused targets, without the devices that will be tried again; nil if there are
// none.
func (t *tally) refusal() error {
	if len(t.refused) == 0 {
		return nil
	}
	elsewhere := slices.Clone(t.taken)
	for _, o := range t.remain {
		elsewhere = append(elsewhere, o.device)
	}
	return t.part(t.refused, elsewhere, t.rejection(), nil)
}

// part narrows the receipt to the rest. The ledger says which devices of the users
// that remain are not among it.
func (t *tally) part(rest []outstanding, others []push.Device, cause, rejected error) error {
	part := &push.Undelivered{To: make(map[push.Uid]push.Recipient), Err: cause, Rejected: rejected}
	for _, o := range rest {
		if isChannel(o.device) {
			part.Channel = t.receipt.Channel
		} else {
			part.To[o.device.User] = t.receipt.To[o.device.User]
		}
	}
	remains := newRemainder(rest)
	for _, d := range others {
		recipient, ok := part.To[d.User]
		if !ok {
			continue
		}
		if entry, ok := remains.entry(d); ok {
			recipient.Devices = append(slices.Clip(recipient.Devices), entry)
			part.To[d.User] = recipient
		}
	}
	return part
}

// cause is the instruction for the targets that remain.
func (t *tally) cause() error {
	if t.outage != nil {
		return push.Unavailable(t.outage)
	}
	after, why := t.soonest()
	if after > 0 {
		why = push.RetryAfter(why, after)
	}
	if tried := slices.ContainsFunc(t.remain, func(o outstanding) bool { return o.answer.Tried }); !tried {
		return fmt.Errorf("%w: %w", push.ErrNotStarted, why)
	}
	return why
}

// soonest is when the first targets may be tried again, and why. The others rest
// until their own time comes.
func (t *tally) soonest() (after time.Duration, why error) {
	first := slices.MinFunc(t.remain, func(a, b outstanding) int { return cmp.Compare(a.answer.Wait, b.answer.Wait) }).answer
	if first.Wait == 0 {
		return 0, first.Err
	}
	for _, o := range t.remain {
		if o.answer.Wait <= first.Wait+together {
			after = max(after, o.answer.Wait)
		}
	}
	return after, first.Err
}

// permanent is the instruction for targets that were refused for good. Its reason
// names none of them, so that the lane sees when all receipts are refused alike.
func (t *tally) permanent() error {
	var reasons []string
	for _, o := range t.refused {
		if why := o.answer.Err.Error(); !slices.Contains(reasons, why) && len(reasons) < maxNamed {
			reasons = append(reasons, why)
		}
	}
	slices.Sort(reasons)
	return &push.PermanentError{Err: t.rejection(), Reason: strings.Join(reasons, "; ")}
}

// rejection names the targets that were refused for good; nil if none was.
func (t *tally) rejection() error {
	if len(t.refused) == 0 {
		return nil
	}
	var names []string
	for _, o := range t.refused[:min(maxNamed, len(t.refused))] {
		names = append(names, fmt.Sprintf("%s: %v", name(o.device), o.answer.Err))
	}
	if more := len(t.refused) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("refused for good: %s", strings.Join(names, "; "))
}
