package stdout

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/pushworker/pushworker/pkg/push"
)

// appendJSON appends r as one line of JSON.
func appendJSON(dst []byte, r *push.Receipt) ([]byte, error) {
	start := len(dst)
	dst, err := r.AppendJSON(dst, push.KeyText)
	if err != nil {
		return nil, err
	}
	if bytes.ContainsFunc(dst[start:], movesCursor) {
		return escape(dst[start:]), nil
	}
	return dst, nil
}

// escape writes what may harm a terminal as JSON escapes. JSON allows those
// characters in strings only, so the meaning stays.
func escape(line []byte) []byte {
	safe := make([]byte, 0, len(line)+64)
	for _, c := range string(line) {
		if movesCursor(c) {
			safe = fmt.Appendf(safe, `\u%04x`, c)
		} else {
			safe = utf8.AppendRune(safe, c)
		}
	}
	return safe
}

// movesCursor reports whether a terminal may obey c instead of showing it: the
// control characters that JSON does not escape, and those that turn the direction
// of writing.
func movesCursor(c rune) bool {
	return c >= 0x7f && (c < 0xa0 || unicode.Is(unicode.Bidi_Control, c))
}
