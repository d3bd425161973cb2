package push

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	uidTextLen = 11
	userPrefix = "usr"
)

var (
	errNotUid    = errors.New("not a user id: want usr…, its 11 characters of base64url, or a decimal number")
	errZeroUid   = errors.New("user id is zero, which addresses nobody: give the id of a user")
	errUidLength = fmt.Errorf("uid text has an invalid length: want %d characters of base64url", uidTextLen)
	errUidJSON   = errors.New("uid is unrecognized: want a JSON string")
)

// Uid is a user's id. Zero is nobody.
//
// Its text is the unpadded base64url form of its 8 bytes in little-endian order,
// always 11 characters; the text of zero is empty. The marshal methods have
// pointer receivers because the chat server's have: that makes encoding/json
// write a Uid passed by value, and every map key, as a decimal number, while it
// reads the text only. [Decode] takes both; [Receipt.AppendJSON] writes either.
type Uid uint64 //nolint:recvcheck // the mixture is the wire format

// String returns the 11-character text of uid, or "" for zero.
func (uid Uid) String() string { return string(uid.appendText(make([]byte, 0, uidTextLen))) }

// UserId returns "usr" and the text of uid, or "" for zero.
func (uid Uid) UserId() string {
	if uid.IsZero() {
		return ""
	}
	return userPrefix + uid.String()
}

// IsZero reports whether uid is nobody's.
func (uid Uid) IsZero() bool { return uid == 0 }

// MarshalText returns what String returns.
func (uid *Uid) MarshalText() ([]byte, error) { return uid.appendText(nil), nil }

// MarshalJSON returns the text as a JSON string.
func (uid *Uid) MarshalJSON() ([]byte, error) { return uid.appendJSON(nil), nil }

// UnmarshalText reads exactly 11 characters of base64url. It is what stock
// consumers do with a map key; [ParseUid] reads the other forms too. On an error
// uid is unchanged.
func (uid *Uid) UnmarshalText(text []byte) error {
	if len(text) != uidTextLen {
		return errUidLength
	}
	var le [8]byte
	n, err := base64.RawURLEncoding.Decode(le[:], text)
	if err != nil {
		return fmt.Errorf("decode uid text: %w", err)
	}
	if n != len(le) { // the decoder leaves out line breaks
		return errUidLength
	}
	*uid = Uid(binary.LittleEndian.Uint64(le[:]))
	return nil
}

// UnmarshalJSON reads a JSON string of exactly 11 characters of base64url,
// without escapes. On an error uid is unchanged.
func (uid *Uid) UnmarshalJSON(b []byte) error {
	if len(b) != uidTextLen+2 {
		return errUidLength
	}
	if b[0] != '"' || b[len(b)-1] != '"' {
		return errUidJSON
	}
	return uid.UnmarshalText(b[1 : len(b)-1])
}

// ParseUserId reads a user id of the form that [Uid.UserId] makes. It returns 0
// for anything else.
func ParseUserId(s string) Uid {
	text, ok := strings.CutPrefix(s, userPrefix)
	if !ok {
		return 0
	}
	var uid Uid
	_ = uid.UnmarshalText([]byte(text)) // leaves 0
	return uid
}

// ParseUid reads a user id as people and producers write it: the 11 characters
// of its text, the same after "usr", or a decimal number without leading zeros.
// Eleven digits are both text and number: they are read as text, as stock
// consumers do, unless their last digit (other than 0, 4 and 8) is one that no
// producer ends a text with. Zero is an error. The error does not quote s.
func ParseUid(s string) (Uid, error) {
	var uid Uid
	var err error
	switch text, isUser := strings.CutPrefix(s, userPrefix); {
	case len(s) == uidTextLen && !mustBeDecimal(s):
		err = uid.UnmarshalText([]byte(s))
	case isUser:
		err = uid.UnmarshalText([]byte(text))
	default:
		uid, err = parseDecimal(s)
	}
	if err != nil {
		return 0, errNotUid
	}
	if uid.IsZero() {
		return 0, errZeroUid
	}
	return uid, nil
}

// mustBeDecimal reports whether s, of 11 characters, is all digits and ends in
// one that leaves the last two of its 66 bits set, which no encoder does.
func mustBeDecimal(s string) bool {
	return strings.Trim(s, "0123456789") == "" && !strings.ContainsAny(s[len(s)-1:], "048")
}

func parseDecimal(s string) (Uid, error) {
	if strings.HasPrefix(s, "0") && s != "0" {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return Uid(n), err
}

func (uid Uid) appendText(dst []byte) []byte {
	if uid.IsZero() {
		return dst
	}
	var le [8]byte
	binary.LittleEndian.PutUint64(le[:], uint64(uid))
	return base64.RawURLEncoding.AppendEncode(dst, le[:])
}

func (uid Uid) appendJSON(dst []byte) []byte {
	return append(uid.appendText(append(dst, '"')), '"')
}
