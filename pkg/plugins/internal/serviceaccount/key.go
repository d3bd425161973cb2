package serviceaccount

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// masked is what is shown of credentials.
const masked = "(hidden)"

// Key is a service account's key as JSON: the object, or a string with it,
// plain or in base64. It is a secret: every
// way to print or to marshal it shows only whether there is one.
type Key []byte

var errCredentials = errors.New("want the JSON object that the provider issues as the key, or a string with it, plain or in base64")

// UnmarshalJSON implements [json.Unmarshaler]. It takes an object or a string.
func (k *Key) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		return nil
	case b[0] != '{' && b[0] != '"':
		return errCredentials
	}
	*k = bytes.Clone(b)
	return nil
}

// MarshalJSON implements [json.Marshaler] without showing the secret.
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// String says whether there are credentials.
func (k Key) String() string {
	if len(k) == 0 {
		return ""
	}
	return masked
}

// Format implements [fmt.Formatter]: every verb prints String.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }
