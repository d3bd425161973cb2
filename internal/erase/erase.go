// Package erase decides what a stored message says of one user, and whether somebody
// else is still to be told it. It is what stands between a person's wish to be
// forgotten and the notifications of others.
//
// It refuses to know where messages are stored and how they are deleted
// (internal/broker does). What is lost at its border: what others have written about
// the user in the content of their messages is theirs, and counts as nothing.
package erase

import (
	"bytes"
	"maps"
	"strconv"

	"github.com/pushworker/pushworker/pkg/push"
)

// Finding is what a message says of a user.
type Finding struct {
	// Named says that it is the user's at all: the user is a recipient, the sender, or
	// one of the two in the conversation.
	Named bool
	// About says that it is the user's beyond the list of recipients: the user has
	// written it, or talks in it. Without that user the receipt would still exist.
	About bool
	// Rest and Channel are who else is to be told.
	Rest    map[push.Uid]push.Recipient
	Channel string
}

// Others reports whether somebody else is to be told.
func (f Finding) Others() bool { return len(f.Rest) > 0 || f.Channel != "" }

// Look reads a receipt. What is no receipt is told to nobody, and is the user's if
// it has the user's id in it.
func Look(data []byte, user push.Uid) Finding {
	r, _, err := push.Decode(data, push.NoLimits())
	if err != nil {
		named := Mentions(data, user)
		return Finding{Named: named, About: named}
	}
	_, to := r.To[user]
	f := Finding{About: isAbout(r.Payload, user), Rest: maps.Clone(r.To), Channel: r.Channel}
	f.Named = to || f.About
	delete(f.Rest, user)
	return f
}

func isAbout(p push.Payload, user push.Uid) bool {
	if push.ParseUserId(p.From) == user || push.ParseUserId(p.Topic) == user {
		return true
	}
	a, b, ok := push.ParseP2P(p.Topic)
	return ok && (a == user || b == user)
}

// Mentions reports whether text has the user's id in it, in a form that receipts,
// events and errors have.
func Mentions(text []byte, user push.Uid) bool {
	return bytes.Contains(text, []byte(user.String())) || bytes.Contains(text, []byte(`"`+strconv.FormatUint(uint64(user), 10)+`"`))
}
