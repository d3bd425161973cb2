package fcm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// masked is what is shown of credentials.
const masked = "(hidden)"

// Credentials is a service account's key as JSON: the object, or a string with it,
// plain or in base64. It is a secret: every
// way to print or to marshal it shows only whether there is one.
type Credentials []byte

var errCredentials = errors.New("want the JSON object that Google issues as a service account's key, or a string with it, plain or in base64")

// UnmarshalJSON implements [json.Unmarshaler]. It takes an object or a string.
func (c *Credentials) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		return nil
	case b[0] != '{' && b[0] != '"':
		return errCredentials
	}
	*c = bytes.Clone(b)
	return nil
}

// MarshalJSON implements [json.Marshaler] without showing the secret.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// String says whether there are credentials.
func (c Credentials) String() string {
	if len(c) == 0 {
		return ""
	}
	return masked
}

// Format implements [fmt.Formatter]: every verb prints String.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// projectOf is the Firebase project that credentials are for; "" if they do not say.
func projectOf(credentials []byte) string {
	a, err := parseAccount(credentials)
	if err != nil {
		return ""
	}
	return a.ProjectID
}
