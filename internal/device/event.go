package device

import (
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Reasons of an [Event] beside those that handlers give.
const (
	// ReasonMoved says that the token was registered for another user, or for
	// another device of the same user.
	ReasonMoved = "moved"
	// ReasonDisplaced says that the user would have had more than [MaxPerUser] devices,
	// and that [Options] let the oldest make room.
	ReasonDisplaced = "displaced"
	// ReasonRemoved says that somebody asked for it.
	ReasonRemoved = "removed"
)

// maxReason is the greatest length of a reason in bytes.
const maxReason = 64

// Event says that a user has a device no more, and why, so that others can forget
// it too. It does not hold the token.
type Event struct {
	// User is the 11-character text.
	User     string `json:"user"`
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Platform string `json:"platform"`
	App      string `json:"app,omitempty"`
	Kind     string `json:"kind,omitempty"`
	// Reason is one of the constants, or what a handler gave, for example
	// "unregistered".
	Reason string `json:"reason"`
	// TokenHash is the [Mask] of the token.
	TokenHash  string    `json:"token_hash"`
	Registered time.Time `json:"registered,omitzero"`
	At         time.Time `json:"at"`
}

func newEvent(mask Mask, dev push.Device, reason string) Event {
	return Event{
		User: dev.User.String(), ID: dev.ID, Provider: dev.Provider, Platform: dev.Platform,
		App: dev.More().App, Kind: dev.More().Kind,
		Reason: reason[:min(len(reason), maxReason)], TokenHash: mask.Hash(dev.Token),
		Registered: dev.Registered, At: time.Now().UTC(),
	}
}

// ShownID is the id as logs may have it, see [push.Device.ShownID].
func (e Event) ShownID() string { return push.Device{ID: e.ID}.ShownID() }
