package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"time"
)

// Device is one installation of an app, reachable through one provider. In JSON
// it is one object with the members user, id, provider, platform, token, lang, registered
// and those of [Extra]; user is the 11-character text.
//
// The token is personal data and as good as an address: it belongs in requests to
// the provider and nowhere else. String and LogValue leave it out; JSON does not: give
// a logger the device or its String, never its JSON.
type Device struct {
	// User is whose device it is. Zero is left out in JSON.
	User Uid `json:"user,omitzero"`
	// ID is the chat server's own id of the device, unique per user, provider, app
	// and kind.
	// It is what [Recipient.Devices] lists. Chat servers of Tinode's kind take the
	// token for it.
	ID string `json:"id"`
	// Provider is who reaches the device, by convention the name of a handler, for
	// example "fcm".
	Provider string `json:"provider"`
	// Platform is "android", "ios", "web", another name of a-z, 0-9 and -, or empty for
	// unknown.
	Platform string `json:"platform"`
	// Token is the provider's address of the device.
	Token string `json:"token"`
	// Lang is the language of its user as a tag of RFC 5646, or empty.
	Lang string `json:"lang,omitempty"`
	// Registered is when the token was last registered for User. Zero is long ago.
	Registered time.Time `json:"registered,omitzero"`
	// Extra is what few devices have. It is nil for the others; [Device.More] is safe
	// to read for all. It is not embedded, so that d.App cannot be read of a nil one.
	Extra *Extra `json:"-"` // MarshalJSON writes its members beside the others
}

// Directory knows which devices users have. Handlers ask it; whoever builds the
// handlers hands one in. Its methods are safe for concurrent use.
type Directory interface {
	// Devices returns the devices of all users at once that provider reaches: those that
	// name it and those that name none. An empty provider asks for all. A user without
	// any device has no entry, and one whose devices are all of other providers an empty
	// one. An [*UnreadableError] means that some users' devices cannot be read: the map
	// holds those of the others. Any other error means that nothing is known about any
	// of them. Both are transient. The slices may be shared with other callers: read
	// them only.
	Devices(ctx context.Context, users []Uid, provider string) (map[Uid][]Device, error)
	// Gone reports that the provider has said d's token is dead, in answer to a
	// request that was sent at asOf. The token is removed from d.User unless it was
	// registered after asOf. Reason is a short code such as "unregistered"; the chat
	// server gets to see it. That d is not, or no longer, there is no error.
	Gone(ctx context.Context, d Device, asOf time.Time, reason string) error
}

// UnreadableError says that what a [Directory] has stored for some users is damaged.
// Whether they have devices is not known, so that their share of a receipt must wait.
type UnreadableError struct {
	Users []Uid
	// Err says what to do about it.
	Err error
}

func (e *UnreadableError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// For reports whether d is one of those that a [Directory] returns to who asks for
// provider.
func (d Device) For(provider string) bool {
	return provider == "" || d.Provider == provider || d.Provider == ""
}

// String names the device without its token.
func (d Device) String() string {
	return fmt.Sprintf("%s device %q of %s", d.Provider, d.ShownID(), d.User.UserId())
}

// maxShownID is the length from which on an id may be a token; those of FCM have 142
// bytes and more, those of Apple 64.
const maxShownID = 64

// ShownID is ID as logs and errors may have it: of one that may be the token, the
// beginning.
func (d Device) ShownID() string {
	if len(d.ID) < maxShownID {
		return d.ID
	}
	return strings.ToValidUTF8(d.ID[:8], "") + "…"
}

// Format implements [fmt.Formatter]: every verb prints String, so that none prints
// the token.
func (d Device) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue implements [slog.LogValuer]: loggers get what String says.
func (d Device) LogValue() slog.Value { return slog.StringValue(d.String()) }

// More is d's Extra, or the zero Extra.
func (d Device) More() Extra {
	if d.Extra == nil {
		return Extra{}
	}
	return *d.Extra
}

// deviceFields is a Device without methods.
type deviceFields Device

// MarshalJSON writes the user as text, for values and pointers alike.
func (d Device) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		User string `json:"user,omitempty"`
		deviceFields
		*Extra
	}{d.User.String(), deviceFields(d), d.Extra})
}

// UnmarshalJSON reads user in every form that [ParseUid] does, a decimal number
// without quotes included. Members that it does not know are ignored. It checks
// nothing but the types; on an error d is unchanged.
func (d *Device) UnmarshalJSON(b []byte) error {
	kept := *d
	read := struct {
		User uidInput `json:"user"`
		*deviceFields
		*Extra
	}{deviceFields: (*deviceFields)(&kept)}
	read.User = uidInput(d.User)
	if d.Extra != nil { // d keeps its own on an error
		extra := *d.Extra
		read.Extra = &extra
	}
	if err := json.Unmarshal(b, &read); err != nil {
		return asMember(err)
	}
	*d = Device(*read.deviceFields)
	d.User, d.Extra = Uid(read.User), read.Extra
	if d.More() == (Extra{}) {
		d.Extra = nil
	}
	return nil
}

// asMember has an error name the member of the JSON object, without the Go struct in
// which encoding/json found it.
func asMember(err error) error {
	if wrong, ok := asType[*json.UnmarshalTypeError](err); ok {
		for _, embedded := range []reflect.Type{reflect.TypeFor[deviceFields](), reflect.TypeFor[Extra]()} {
			wrong.Field = strings.TrimPrefix(wrong.Field, embedded.Name()+".")
		}
	}
	return err
}

// uidInput is a Uid as people and producers write it.
type uidInput Uid

var errUidInput = errors.New("want a user id as a string or a decimal number")

// UnmarshalJSON implements [json.Unmarshaler].
func (u *uidInput) UnmarshalJSON(b []byte) error {
	text := string(b)
	switch {
	case text == "null":
		return nil
	case text[0] == '"':
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	case text[0] < '0' || text[0] > '9':
		return errUidInput
	}
	uid, err := ParseUid(text)
	*u = uidInput(uid)
	return err
}
