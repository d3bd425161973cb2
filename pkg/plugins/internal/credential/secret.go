package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// masked is what is shown of a secret.
const masked = "(hidden)"

// Secret is a text of a config that nobody may see: every way to print or to marshal it
// shows only whether there is one.
type Secret []byte

var errSecret = errors.New("want a string")

// UnmarshalJSON implements [json.Unmarshaler]. No error quotes the secret.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return errSecret
	}
	*s = []byte(text)
	return nil
}

// MarshalJSON implements [json.Marshaler] without showing the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// String says whether there is a secret.
func (s Secret) String() string {
	if len(s) == 0 {
		return ""
	}
	return masked
}

// Format implements [fmt.Formatter]: every verb prints String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }
