package content

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/rivo/uniseg"
)

// stringValue decodes a JSON string; false if raw is anything else.
func stringValue(raw json.RawMessage) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if inner := raw[1 : len(raw)-1]; raw[len(raw)-1] == '"' && isVerbatim(inner) && utf8.Valid(inner) {
		return string(inner), true // as most are
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// isVerbatim reports whether s stands for itself between the quotes of JSON.
func isVerbatim[S ~string | ~[]byte](s S) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// characterBounds returns the byte offset of every character of s and its length,
// or nil if every byte is a character.
func characterBounds(s string) []int {
	if isSimple(s) {
		return nil
	}
	bounds := make([]int, 1, len(s)/2+2)
	for rest, state, at := s, -1, 0; rest != ""; {
		var c string
		c, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		at += len(c)
		bounds = append(bounds, at)
	}
	return bounds
}

// isSimple reports whether every byte of s is a character for a reader: s is
// ASCII, and no carriage return joins a line feed.
func isSimple(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == '\r' {
			return false
		}
	}
	return true
}

// cutCharacters returns the first n characters of s, or all if there are fewer.
func cutCharacters(s string, n int) string {
	switch {
	case len(s) <= n:
		return s
	case isSimple(s[:n+1]): // nothing joins what comes after
		return s[:n]
	}
	rest, state, at := s, -1, 0
	for ; n > 0 && rest != ""; n-- {
		var c string
		c, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		at += len(c)
	}
	return s[:at]
}

// wholeUntil returns the beginning of the text, at most size bytes, without splitting
// what is a character today, if that is wanted.
func (d *document) wholeUntil(size int) string {
	if !d.whole || size >= len(d.text) || isSimple(d.text[:size+1]) {
		return d.text[:size]
	}
	end := 0
	for it := graphemes.FromString(d.text); it.Next() && it.End() <= size; {
		end = it.End()
	}
	return d.text[:end]
}

// joint is the last position from which on at most end where the text may be cut.
func (d *document) joint(from, end int) int {
	if !d.whole || d.bounds == nil {
		return end
	}
	size := len(d.wholeUntil(d.bounds[end]))
	for end > from && d.bounds[end] > size {
		end--
	}
	return end
}
