package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// share is what became of the devices of the user whose story it is, over all
// attempts: of each device the last.
type share struct {
	counts outcome.Event
	// at is when the last was said of them.
	at time.Time
	// done says that none was refused and none is tried again.
	done bool
	// unsaid says that the receipt was at last acknowledged for the user, and not what became
	// of which device, as a brief event does: counts are those of before.
	unsaid bool
}

// share returns the user's share. It is not known where no event names the user's
// devices, or one does not list all.
func (f *file) share() (s share, known bool) {
	if f.facts.User.IsZero() {
		return s, false
	}
	user := f.facts.User.String()
	last := make(map[outcome.Target]string) // results
	for _, e := range f.events {
		if e.Unlisted > 0 {
			return s, false
		}
		switch {
		case note(last, e.Targets, user):
			s.at, s.done, s.unsaid = e.At, true, false
		case slices.Contains(e.Users, user):
			s.done, s.unsaid = false, e.Verdict == "ack"
		}
	}
	for _, result := range last {
		s.count(result)
	}
	s.done = s.done && s.counts.Rejected == 0 && s.counts.Retried == 0
	return s, len(last) > 0
}

// note notes the results of the user's targets by target, and reports whether there
// is one.
func note(results map[outcome.Target]string, targets []outcome.Target, user string) (found bool) {
	for _, t := range targets {
		if t.User == user {
			found = true
			results[outcome.Target{ID: t.ID, Provider: t.Provider, App: t.App, Kind: t.Kind, Channel: t.Channel}] = t.Result
		}
	}
	return found
}

func (s *share) count(result string) {
	switch push.Result(result) {
	case push.ResultAccepted:
		s.counts.Accepted++
	case push.ResultSkipped:
		s.counts.Skipped++
	case push.ResultGone:
		s.counts.Gone++
	case push.ResultRejected:
		s.counts.Rejected++
	case push.ResultRetried:
		s.counts.Retried++
	}
}

// own tells of a receipt that is over for the user, though it may not be for others.
func (f *file) own(s *LaneStory, of share) {
	of.counts.DryRun = f.dry()
	f.sent(s, of.counts, of.counts.Accepted, of.at, " to "+f.facts.User.UserId())
	switch {
	case len(f.retries) > 0:
		s.Text += "; it is tried again for others"
	case len(f.letters) > 0:
		s.Text += fmt.Sprintf("; dead letter %d holds what was refused for others", f.letters[len(f.letters)-1].Seq)
	}
}

// passedBy reports whether the receipt is over here, and the user in question was never
// one of its targets.
func (f *file) passedBy() bool {
	if f.facts.User.IsZero() || !f.over() {
		return false
	}
	user := f.facts.User.String()
	named := false
	for _, e := range f.events {
		if slices.Contains(e.Users, user) || len(e.Users) == 0 && len(e.Untargeted) == 0 {
			return false
		}
		named = named || slices.Contains(e.Untargeted, user)
	}
	return named
}

// sent tells how many targets got it.
func (f *file) sent(s *LaneStory, e outcome.Event, accepted int, at time.Time, whom string) {
	s.Fate, s.Text = Delivered, fmt.Sprintf("delivered%s at %s: %s", whom, clock(at), counts(e))
	switch {
	case accepted > 0 && e.DryRun:
		s.Fate, s.Text = DryRun, fmt.Sprintf("checked by the provider, and not delivered%s, at %s: %s; remove \"dry_run\" from the handler's config to deliver", whom, clock(at), counts(e))
	case accepted == 0:
		s.Fate, s.Text = Unsent, fmt.Sprintf("done at %s without sending%s: %s", clock(at), whom, counts(e))
	}
}

// dry reports whether the handler that has done the last of it delivers nothing.
func (f *file) dry() bool { return len(f.events) > 0 && f.events[len(f.events)-1].DryRun }

// reached reports whether e tells of a target that was accepted, of the user in
// question if there is one.
func (f *file) reached(e outcome.Event) bool {
	user := f.facts.User
	if e.DryRun {
		return false
	}
	if user.IsZero() || len(e.Targets) == 0 {
		return e.Accepted > 0 && (user.IsZero() || slices.Contains(e.Users, user.String()))
	}
	return slices.ContainsFunc(e.Targets, func(t outcome.Target) bool {
		return t.User == user.String() && push.Result(t.Result) == push.ResultAccepted
	})
}

// accepted counts the targets that were accepted at any attempt.
func accepted(events []outcome.Event) (n int) {
	for _, e := range events {
		n += e.Accepted
	}
	return n
}
