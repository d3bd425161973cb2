package push

import (
	"errors"
	"fmt"
	"strings"
)

// AccessMode is a set of access rights. Its text lists the letters of its rights
// in the order J R W P A S D O; the text of no rights is "N".
type AccessMode uint

// The rights.
const (
	ModeJoin    AccessMode = 1 << iota // J: may attach to the topic.
	ModeRead                           // R: may read messages.
	ModeWrite                          // W: may write messages.
	ModePres                           // P: is told of presence and gets pushes.
	ModeApprove                        // A: may approve new members.
	ModeShare                          // S: may invite others.
	ModeDelete                         // D: may delete messages for everybody.
	ModeOwner                          // O: owns the topic.
)

// Modes that are not sets of rights.
const (
	// ModeNone is the absence of every right. In a [Payload] it is omitted.
	ModeNone AccessMode = 0
	// ModeUnset says that nothing was said; its text is empty.
	ModeUnset AccessMode = 0x100
	// ModeInvalid cannot be marshalled.
	ModeInvalid AccessMode = 0x100000
)

const modeLetters = "JRWPASDO"

var (
	errModeInvalid = errors.New("access mode is invalid: set the rights, or ModeNone")
	errModeSyntax  = errors.New("access mode has a syntax error: want a JSON string of letters of " + modeLetters + ", or N")
)

// String returns the letters of m, or "" if it has none to show. Bits without a
// letter are left out.
func (m AccessMode) String() string { return string(m.appendText(nil)) }

// MarshalText returns what String returns, and an error for [ModeInvalid].
func (m AccessMode) MarshalText() ([]byte, error) {
	if m == ModeInvalid {
		return nil, errModeInvalid
	}
	return m.appendText(nil), nil
}

// MarshalJSON returns the text as a JSON string, and an error for [ModeInvalid].
func (m AccessMode) MarshalJSON() ([]byte, error) { return m.appendJSON(nil) }

// UnmarshalText reads letters in any order and case. N means none, whatever
// stands around it. Empty text changes nothing; nor does an error.
func (m *AccessMode) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	mode := ModeNone
	for i, c := range text {
		letter := c &^ 0x20 // upper case
		if letter == 'N' {
			mode = ModeNone
			break
		}
		bit := strings.IndexByte(modeLetters, letter)
		if bit < 0 {
			return fmt.Errorf("access mode has an invalid character at byte %d: want letters of %s, or N", i, modeLetters)
		}
		mode |= 1 << bit
	}
	*m = mode
	return nil
}

// UnmarshalJSON reads a JSON string without escapes as UnmarshalText does. Null
// is an error.
func (m *AccessMode) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return errModeSyntax
	}
	return m.UnmarshalText(b[1 : len(b)-1])
}

func (m AccessMode) appendText(dst []byte) []byte {
	if m == ModeNone {
		return append(dst, 'N')
	}
	for i := range len(modeLetters) {
		if m&(1<<i) != 0 {
			dst = append(dst, modeLetters[i])
		}
	}
	return dst
}

func (m AccessMode) appendJSON(dst []byte) ([]byte, error) {
	if m == ModeInvalid {
		return nil, errModeInvalid
	}
	return append(m.appendText(append(dst, '"')), '"'), nil
}
