package outcome

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxListed is how many users and how many targets an event lists.
	maxListed = 256
	// maxText is the greatest length of an error and of a reason in bytes.
	maxText = 1 << 10
)

// newEvent makes the event of o. hash masks tokens.
func newEvent(o *consumer.Outcome, hash func(string) string) Event {
	e := Event{
		At: o.At.UTC(), Handler: o.Handler, Verdict: o.Verdict.String(),
		Stream: o.Origin.RootStream, StreamSeq: o.Origin.RootSeq, Published: o.Origin.First.UTC(),
		Attempt: o.Attempts, Error: cut(o.Error),
		Accepted: o.Counts.Accepted, Skipped: o.Counts.Skipped, Gone: o.Counts.Gone,
		Rejected: o.Counts.Rejected, Retried: o.Counts.Retried,
	}
	if o.Delay > 0 {
		e.Next = e.At.Add(o.Delay).Truncate(time.Millisecond)
	}
	if o.Reason != 0 {
		e.Reason = o.Reason.String()
	}
	users, targets := o.Users, o.Targets
	if len(targets) > maxListed { // rather those that people ask about
		targets = slices.SortedStableFunc(slices.Values(targets), func(a, b push.Target) int {
			return cmp.Compare(accepted(a), accepted(b))
		})
		e.Unlisted += len(targets) - maxListed
		targets = targets[:maxListed]
	}
	if len(users) > maxListed {
		e.Unlisted += len(users) - maxListed
		users = users[:maxListed]
	}
	for _, u := range users {
		e.Users = append(e.Users, u.String())
	}
	for _, t := range targets {
		e.Targets = append(e.Targets, newTarget(t, hash))
	}
	return e
}

func newTarget(t push.Target, hash func(string) string) Target {
	d := t.Device
	out := Target{
		ID: d.ID, Provider: d.Provider, Platform: d.Platform, Channel: t.Channel, Result: string(t.Result), Why: cut(t.Why),
	}
	if !d.User.IsZero() {
		out.User = d.User.String()
	}
	if d.Token != "" {
		out.TokenHash = hash(d.Token)
	}
	return out
}

// accepted is 1 for a target that was accepted and 0 for others.
func accepted(t push.Target) int {
	if t.Result == push.ResultAccepted {
		return 1
	}
	return 0
}

// cut bounds a text. A character cut in two becomes a replacement character when it
// is encoded.
func cut(s string) string { return s[:min(len(s), maxText)] }
