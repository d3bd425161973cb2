package explain

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/outcome"
)

// Tell tells the story of the receipt in f.
func Tell(f Facts) Story {
	s := Story{Receipt: f.Receipt, Lanes: []LaneStory{}}
	all := files(f)
	for _, handler := range slices.Sorted(maps.Keys(all)) {
		s.Lanes = append(s.Lanes, all[handler].tell())
	}
	return s
}

// file is what is known of the receipt at one lane.
type file struct {
	facts   *Facts
	handler string
	lane    *Lane // nil if it has no durable
	retries []Retry
	letters []deadletter.Letter
	events  []outcome.Event // in their order
	replays []outcome.Event // likewise; the lane knows nothing of them
}

// files sorts the facts by lane, and leaves out those of other receipts.
func files(f Facts) map[string]*file { //nolint:gocognit // four loops of one shape
	all := make(map[string]*file)
	of := func(handler string) *file {
		if all[handler] == nil {
			all[handler] = &file{facts: &f, handler: handler}
		}
		return all[handler]
	}
	for i := range f.Lanes {
		of(f.Lanes[i].Handler).lane = &f.Lanes[i]
	}
	ours := func(stream string, seq uint64) bool { return stream == f.Receipt.Stream && seq == f.Receipt.Seq }
	for _, r := range f.Retries {
		if ours(r.Stream, r.StreamSeq) {
			of(r.Handler).retries = append(of(r.Handler).retries, r)
		}
	}
	for _, e := range f.Events {
		if ours(e.Stream, e.StreamSeq) {
			list := &of(e.Handler).events
			if e.Verdict == outcome.Replay {
				list = &of(e.Handler).replays
			}
			*list = append(*list, e)
		}
	}
	for _, l := range f.Letters {
		if ours(l.Stream, l.StreamSeq) {
			for _, handler := range owners(l, f.Lanes) {
				of(handler).letters = append(of(handler).letters, l)
			}
		}
	}
	for _, file := range all {
		slices.SortStableFunc(file.events, func(a, b outcome.Event) int { return a.At.Compare(b.At) })
		slices.SortStableFunc(file.replays, func(a, b outcome.Event) int { return a.At.Compare(b.At) })
	}
	return all
}

// owners are the lanes of a letter; one that belongs to no lane belongs to all.
func owners(l deadletter.Letter, lanes []Lane) []string {
	if l.Handler != "" {
		return []string{l.Handler}
	}
	var all []string
	for _, lane := range lanes {
		all = append(all, lane.Handler)
	}
	return all
}

// tell tells the story of one lane.
func (f *file) tell() LaneStory {
	s := LaneStory{Handler: f.handler, Steps: f.steps()}
	share, known := f.share()
	switch {
	case f.passedBy():
		s.Fate, s.Text = Unsent, "nothing to do: no device of "+f.facts.User.UserId()+" is one that this handler sends it to"
	case known && share.done:
		f.own(&s, share)
	case len(f.retries) > 0:
		f.retrying(&s)
	case len(f.letters) > 0:
		f.dead(&s, known && share.counts.Rejected > 0)
	case f.over():
		f.ended(&s, share, known && !share.unsaid)
	default:
		f.position(&s)
	}
	f.subscribers(&s)
	f.replayed(&s)
	return s
}

// subscribers tells what nobody knows of a receipt that went to a channel.
func (f *file) subscribers(s *LaneStory) {
	if f.facts.Receipt.Channel == "" || f.lane == nil || !f.lane.Subscribes || s.Fate != Delivered && s.Fate != Settled {
		return
	}
	s.Unknown = append(s.Unknown, "which devices that are subscribed to the channel it reached: the provider does not say")
	if f.lane.Waiting > 0 {
		s.Unknown = append(s.Unknown, fmt.Sprintf("whether all members of the channel were subscribed then: subscriptions are waiting now, of users: %d", f.lane.Waiting))
	}
}

// replayed adds what was sent by hand since.
func (f *file) replayed(s *LaneStory) {
	if len(f.replays) == 0 {
		return
	}
	last := f.replays[len(f.replays)-1]
	if slices.ContainsFunc(f.replays, f.reached) && s.Fate != Delivered {
		s.Fate = Replayed
	}
	s.Text += fmt.Sprintf("; replayed by hand at %s: %s", clock(last.At), counts(last))
	if last.Error != "" {
		s.Text += ": " + last.Error
	}
}

// retrying tells of a receipt that comes again.
func (f *file) retrying(s *LaneStory) {
	r := f.retries[len(f.retries)-1]
	s.Fate, s.Next = Retrying, r.Due
	how := ""
	if r.Alone {
		how = ", alone, because workers crashed while they held it"
	}
	if r.Due.IsZero() {
		s.Text = fmt.Sprintf("tried %s; its retry is due, and it waits for a worker or a worker holds it%s", times(r.Attempts), how)
	} else {
		s.Text = fmt.Sprintf("tried %s, next retry at %s%s", times(r.Attempts), clock(r.Due), how)
	}
	if r.Error != "" {
		s.Text += ": " + r.Error
	}
}

// dead tells of a receipt with a letter. theirs says that it holds a device of the
// user whose story it is.
func (f *file) dead(s *LaneStory, theirs bool) {
	l, ended := f.lastLetter()
	s.Letter = l.Seq
	s.Fate = Dead
	s.Text = fmt.Sprintf("dead letter %d at %s, %s: %s", l.Seq, clock(l.Last), l.Reason, l.Error)
	switch {
	case l.Narrowed && f.over() && !ended && !theirs:
		f.ended(s, share{}, false)
		s.Text += fmt.Sprintf("; dead letter %d holds a part that was refused", l.Seq)
	case l.Narrowed:
		s.Text = "partly a " + s.Text
	}
}

// lastLetter is the letter in which the receipt ended, if it is there, or else the
// last one.
func (f *file) lastLetter() (l deadletter.Letter, ended bool) {
	if f.over() {
		end := f.events[len(f.events)-1]
		for _, l := range slices.Backward(f.letters) {
			if buries(end, l) {
				return l, true
			}
		}
	}
	return f.letters[len(f.letters)-1], false
}

// letterSlack is how long after a letter was made its event may follow.
const letterSlack = 15 * time.Second

// buries reports whether e tells of l. One attempt may make two letters, for two
// reasons.
func buries(e outcome.Event, l deadletter.Letter) bool {
	return e.Verdict == "bury" && e.Reason == l.Reason && e.At.Sub(l.Last).Abs() < letterSlack
}

// over reports whether the last event is an end.
func (f *file) over() bool {
	return len(f.events) > 0 && f.events[len(f.events)-1].Verdict != "redeliver"
}

// ended tells of a receipt whose end is recorded.
func (f *file) ended(s *LaneStory, of share, known bool) {
	e := f.events[len(f.events)-1]
	switch e.Verdict {
	case "expire":
		s.Fate, s.Text = Expired, fmt.Sprintf("expired at %s: it was too old to send", clock(e.At))
	case "bury":
		s.Fate = Dead
		s.Text = fmt.Sprintf("became a dead letter at %s, %s: %s; the letter is gone, redriven or dropped", clock(e.At), e.Reason, e.Error)
	default:
		if known {
			f.own(s, of)
			return
		}
		f.sent(s, e, accepted(f.events), e.At, "")
	}
}
