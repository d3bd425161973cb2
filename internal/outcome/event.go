package outcome

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// Event is what became of a receipt at one handler. A message on
// push.events.outcome.<handler> holds one or more, each a line of JSON.
type Event struct {
	// At is when it was decided.
	At      time.Time `json:"at"`
	Handler string    `json:"handler"`
	// Verdict is "ack", "redeliver", "bury" or "expire", and [Replay] for what was sent
	// once more by hand, beside the lane.
	Verdict string `json:"verdict"`
	// DryRun says that the provider has only checked the pushes: what it accepted was
	// delivered to nobody.
	DryRun bool `json:"dry_run,omitempty"`
	// Stream and StreamSeq are where the receipt was first published, and Published
	// when.
	Stream    string    `json:"stream"`
	StreamSeq uint64    `json:"stream_seq"`
	Published time.Time `json:"published"`
	// Attempt counts how often the handler has really tried, this time included.
	Attempt int `json:"attempt"`
	// Next is when a redelivered receipt comes back.
	Next time.Time `json:"next,omitzero"`
	// Reason is why a receipt was buried, in the codes of dead letters.
	Reason string `json:"reason,omitempty"`
	// Error is the handler's error.
	Error string `json:"error,omitempty"`
	// Users are those whom the receipt addressed this time, as 11-character texts.
	Users []string `json:"users,omitempty"`
	// Untargeted are further ones, who have no device that the handler sends it to.
	Untargeted []string `json:"untargeted,omitempty"`
	// Accepted, Skipped, Gone, Rejected and Retried count the targets by result.
	Accepted int `json:"accepted,omitempty"`
	Skipped  int `json:"skipped,omitempty"`
	Gone     int `json:"gone,omitempty"`
	Rejected int `json:"rejected,omitempty"`
	Retried  int `json:"retried,omitempty"`
	// Targets lists the targets, if the handler knows them.
	Targets []Target `json:"targets,omitempty"`
	// Unlisted counts users and targets beyond those listed.
	Unlisted int `json:"unlisted,omitempty"`
}

// Replay is the verdict of what `pushworker replay --handler` has sent.
const Replay = "replay"

// Target is what became of one target. It has no id for a user without a device.
type Target struct {
	// User is the 11-character text; empty for a channel.
	User     string `json:"user,omitempty"`
	ID       string `json:"id,omitempty"`
	Provider string `json:"provider,omitempty"`
	Platform string `json:"platform,omitempty"`
	App      string `json:"app,omitempty"`
	Kind     string `json:"kind,omitempty"`
	// TokenHash is the mask of the token, as `pushworker device ls` shows it.
	TokenHash string `json:"token_hash,omitempty"`
	// Channel is the name of the channel that is the target.
	Channel string `json:"channel,omitempty"`
	// Result is "accepted", "skipped", "gone", "rejected" or "retried".
	Result string `json:"result"`
	// Why says the reason of another result than accepted.
	Why string `json:"why,omitempty"`
	// UniqueID is what Apple's Push Notifications Console knows the push by. Only the
	// sandbox says it.
	UniqueID string `json:"unique_id,omitempty"`
}

// Read yields the events of a message. What is no event is yielded as an error, and
// those after it follow.
func Read(message []byte) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for line := range bytes.Lines(message) {
			var e Event
			err := json.Unmarshal(line, &e)
			if err != nil {
				err = fmt.Errorf("reading an event: %w", err)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
