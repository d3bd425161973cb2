package device

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pushworker/pushworker/pkg/push"
)

// claim is the value of a token's key.
type claim struct {
	// User is whose the token is.
	User userText `json:"user"`
	// From names the users in whose lists it may still be.
	From []userText `json:"from,omitempty"`
}

// userText is a uid that is text in JSON, as a value too.
type userText push.Uid

// MarshalText implements [encoding.TextMarshaler].
func (u userText) MarshalText() ([]byte, error) { return []byte(push.Uid(u).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (u *userText) UnmarshalText(b []byte) error { return (*push.Uid)(u).UnmarshalText(b) }

// readClaim returns the zero claim, which is nobody's, for no value. One that is
// damaged is an error: the token may be in somebody's list.
func readClaim(key string, value []byte) (c claim, err error) {
	if value == nil {
		return c, nil
	}
	if err = json.Unmarshal(value, &c); err != nil || c.User == 0 {
		return claim{}, &push.UnreadableError{Err: fmt.Errorf("the record of this token's owner, key %s, is damaged: "+
			"remove it with `nats kv del push-devices %s`, find who has the token with `pushworker device export`, and register it for that user first", key, key)}
	}
	return c, nil
}

// value is the value of the claim's key.
func (c claim) value() ([]byte, error) {
	value, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding a claim: %w", err)
	}
	return value, nil
}

// by returns the claim of user that follows c.
func (c claim) by(user push.Uid) claim {
	next := claim{User: userText(user)}
	for _, u := range append(slices.Clone(c.From), c.User) {
		if u != 0 && u != next.User && !slices.Contains(next.From, u) {
			next.From = append(next.From, u)
		}
	}
	return next
}

// holders are the users in From.
func (c claim) holders() []push.Uid {
	users := make([]push.Uid, len(c.From))
	for i, u := range c.From {
		users[i] = push.Uid(u)
	}
	return users
}
