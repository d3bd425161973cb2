package explain

import (
	"fmt"
	"time"
)

// position tells of a receipt whose end is not recorded, by how far the lane is.
func (f *file) position(s *LaneStory) {
	l, seq := f.lane, f.facts.Receipt.Seq
	switch {
	case l == nil:
		s.Fate, s.Text = Settled, "the lane no longer exists"
		s.Unknown = append(s.Unknown, "whether it was settled")
	case l.Newcomer && f.facts.Receipt.Published.Before(l.Created):
		s.Fate = Skipped
		s.Text = fmt.Sprintf("was published before this lane was made at %s; `pushworker replay --handler %s` sends history", clock(l.Created), f.handler)
	case seq > l.Delivered:
		s.Fate, s.Text = Waiting, fmt.Sprintf("waits for a worker; receipts before it: %d", seq-l.Delivered-1)
		if l.Paused {
			s.Text += "; the lane is paused: `pushworker lane resume " + f.handler + "`"
		}
	case seq <= l.Settled || l.Unsettled == 0:
		f.settled(s)
	case len(f.events) > 0: // the last is a redelivery
		e := f.events[len(f.events)-1]
		s.Fate, s.Next, s.Text = InFlight, e.Next, fmt.Sprintf("handed back at %s; the broker or a worker has it: %s", clock(e.At), e.Error)
	case l.Settled+uint64(max(0, l.Unsettled)) == l.Delivered:
		s.Fate, s.Text = InFlight, "a worker holds it, or it was nak'd and is redelivered shortly"
	default:
		s.Fate, s.Text = InFlight, "a worker holds it, or has just settled it"
		s.Unknown = append(s.Unknown, fmt.Sprintf("which of the two; the lane has settled some receipts after %d, but not all", l.Settled))
	}
}

// recordedAfter is how old a receipt is when its end is recorded at the latest, if it
// had one at once. Workers publish events beside their work.
const recordedAfter = 5 * time.Second

// settled tells of a receipt that the lane is done with, and whose end nobody has
// recorded.
func (f *file) settled(s *LaneStory) {
	s.Fate, s.Text = Settled, "settled by the lane"
	if len(f.events) > 0 {
		s.Text = "retried until the lane settled it"
	}
	why := "which devices got it is not recorded"
	if t := f.facts.EventsSince; !f.facts.NoEvents && t.After(f.facts.Receipt.Published) {
		why += " (the record begins at " + clock(t) + ")"
	}
	why += ": PUSHWORKER_EVENTS=all records it"
	switch {
	case f.facts.NoEvents:
		why = "the outcome is not recorded, because there is no stream of events: PUSHWORKER_EVENTS=failures or all makes one"
	case f.facts.Asked.Before(f.facts.Receipt.Published.Add(recordedAfter)) && !f.facts.Asked.IsZero():
		why = "which devices got it: workers record it within seconds, so ask again"
	}
	s.Unknown = append(s.Unknown, why)
}
