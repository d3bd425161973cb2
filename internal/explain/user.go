package explain

import "github.com/pushworker/pushworker/internal/outcome"

// ofUser counts, over all attempts, what became of the devices of the user whose
// story it is. It is not known where events do not list all.
func (f *file) ofUser() (sum outcome.Event, known bool) {
	user := f.facts.User.String()
	for _, e := range f.events {
		if e.Unlisted > 0 {
			return sum, false
		}
		for _, t := range e.Targets {
			if f.facts.User.IsZero() || t.User != user {
				continue
			}
			known = true
			switch t.Result {
			case "accepted":
				sum.Accepted++
			case "skipped":
				sum.Skipped++
			case "gone":
				sum.Gone++
			case "rejected":
				sum.Rejected++
			}
		}
	}
	return sum, known
}

// accepted counts the targets that were accepted at any attempt.
func accepted(events []outcome.Event) (n int) {
	for _, e := range events {
		n += e.Accepted
	}
	return n
}
