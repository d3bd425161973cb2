package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/pushworker/pushworker/pkg/push"
)

// MaxLine is the greatest length of a device as JSON, in bytes.
const MaxLine = 16 << 10

var (
	errLineTooLong = fmt.Errorf("a device takes more than %d bytes: check that there is one per line", MaxLine)
	errLineUTF8    = errors.New("not valid UTF-8: write the text in UTF-8")
	errLineShape   = errors.New(`not a JSON object: want {"user":…,"id":…,"provider":…,"platform":…,"token":…,"lang":…}`)
	errLineKeys    = errors.New(`keys is not a JSON object: want {"p256dh":…,"auth":…} as the browser gave them`)
	errLineTime    = errors.New("registered is not a time: use the form of 2026-11-24T08:30:00Z, or leave it out for now")
)

// ParseLine reads a device from a line of an import, or from a request: one JSON
// object and nothing after it. Members that it does not know are ignored, so that
// an old worker reads what a newer one wrote. The error is an [*InvalidError] and
// quotes nothing of the line but names of members. What the members hold is not
// checked but for the user; see [Validate].
func ParseLine(line []byte) (push.Device, error) {
	switch {
	case len(line) > MaxLine:
		return push.Device{}, &InvalidError{errLineTooLong}
	case !utf8.Valid(line):
		return push.Device{}, &InvalidError{errLineUTF8}
	}
	var read *push.Device
	if err := json.Unmarshal(line, &read); err != nil {
		return push.Device{}, &InvalidError{lineError(err)}
	}
	if read == nil {
		return push.Device{}, &InvalidError{errLineShape}
	}
	return *read, nil
}

// lineError words an error of encoding/json.
func lineError(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON at byte %d: %w", syntax.Offset, err)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if kind.Field == "" {
			return errLineShape
		}
		if kind.Field == "keys" {
			return errLineKeys
		}
		if kind.Field == "failing" {
			return errFailing
		}
		return fmt.Errorf("%s is a JSON %s: want a string", kind.Field, kind.Value)
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return errLineTime
	}
	return err
}
