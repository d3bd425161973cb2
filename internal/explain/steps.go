package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// steps are the events, and the letters that no event tells of.
func (f *file) steps() []Step {
	var all []Step
	for _, e := range slices.Concat(f.events, f.replays) {
		all = append(all, f.step(e))
	}
	for _, l := range f.letters {
		told := slices.ContainsFunc(f.events, func(e outcome.Event) bool { return buries(e, l) })
		if !told {
			all = append(all, Step{At: l.Last, Attempt: l.Attempts, Text: fmt.Sprintf("dead letter %d, %s: %s", l.Seq, l.Reason, l.Error)})
		}
	}
	slices.SortStableFunc(all, func(a, b Step) int { return a.At.Compare(b.At) })
	return all
}

// step makes a step of an event, with the targets of the user in question.
func (f *file) step(e outcome.Event) Step {
	s := Step{At: e.At, Attempt: e.Attempt, Text: headline(e), Others: e.Unlisted}
	user := ""
	if f.facts.User != push.Uid(0) {
		user = f.facts.User.String()
	}
	for _, t := range e.Targets {
		if user != "" && t.User != "" && t.User != user {
			s.Others++
			continue
		}
		s.Targets = append(s.Targets, t)
	}
	return s
}

func headline(e outcome.Event) string {
	switch e.Verdict {
	case "ack":
		return "done: " + counts(e)
	case "expire":
		return "expired"
	case outcome.Replay:
		if e.Error != "" {
			return fmt.Sprintf("replayed by hand: %s: %s", counts(e), e.Error)
		}
		return "replayed by hand: " + counts(e)
	case "bury":
		return fmt.Sprintf("dead letter, %s: %s", e.Reason, e.Error)
	case "redeliver":
		again := "is retried"
		if !e.Next.IsZero() {
			again = fmt.Sprintf("retry in %s", e.Next.Sub(e.At).Round(100*time.Millisecond))
		}
		return fmt.Sprintf("%s; %s: %s", counts(e), again, e.Error)
	}
	return e.Verdict
}
