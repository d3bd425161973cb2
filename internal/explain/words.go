package explain

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/outcome"
)

// counts is what became of the targets in words.
func counts(e outcome.Event) string {
	var all []string
	for _, c := range []struct {
		n    int
		what string
	}{
		{e.Accepted, accepting(e)},
		{e.Skipped, "skipped"},
		{e.Gone, "gone"},
		{e.Rejected, "refused"},
		{e.Retried, "to be tried again"},
	} {
		if c.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return cmp.Or(strings.Join(all, ", "), "no targets")
}

// accepting is what was done with the targets that were accepted.
func accepting(e outcome.Event) string {
	if e.DryRun {
		return "accepted in a dry run, which delivers nothing"
	}
	return "accepted"
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// clock is a time as stories say it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
