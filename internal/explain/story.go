package explain

import (
	"time"

	"github.com/pushworker/pushworker/internal/outcome"
)

// Fate is what has become of a receipt at a lane.
type Fate string

// The fates. Settled is what is over and of which no more is known. Replayed is what
// somebody got by hand and not by the lane, whatever became of it there. DryRun is what a
// provider has accepted and not delivered, because the handler asks for that.
const (
	Waiting   Fate = "waiting"
	InFlight  Fate = "in flight"
	Retrying  Fate = "retrying"
	Delivered Fate = "delivered"
	Unsent    Fate = "nothing sent"
	DryRun    Fate = "dry run"
	Expired   Fate = "expired"
	Dead      Fate = "dead"
	Settled   Fate = "settled"
	Skipped   Fate = "not for it"
	Replayed  Fate = "replayed"
)

// Story is what has become of a receipt.
type Story struct {
	Receipt Receipt     `json:"receipt"`
	Lanes   []LaneStory `json:"lanes"`
}

// LaneStory is what has become of a receipt at one lane.
type LaneStory struct {
	Handler string `json:"handler"`
	Fate    Fate   `json:"fate"`
	// Text says it in a sentence, and Steps how it came to that.
	Text  string `json:"text"`
	Steps []Step `json:"steps,omitempty"`
	// Unknown says what nobody has recorded.
	Unknown []string `json:"unknown,omitempty"`
	// Letter is the sequence of the dead letter, if there is one.
	Letter uint64 `json:"letter,omitempty"`
	// Next is when it comes again, if it does.
	Next time.Time `json:"next,omitzero"`
}

// Step is something that happened.
type Step struct {
	At      time.Time        `json:"at"`
	Attempt int              `json:"attempt,omitempty"`
	Text    string           `json:"text"`
	Targets []outcome.Target `json:"targets,omitempty"`
	// Others counts the targets of other users, and those that were not listed.
	Others int `json:"others,omitempty"`
}
