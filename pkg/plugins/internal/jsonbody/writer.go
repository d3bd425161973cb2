// Package jsonbody writes the JSON of a request's body member by member, without
// reflection and into a buffer that is used again.
//
// It refuses to know what it writes and whether a member may come twice. What is lost
// at its border: bytes that are not UTF-8, for which U+FFFD is written.
package jsonbody

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Writer appends the members of objects, and the commas between them. Begin and End
// are called in pairs.
type Writer []byte

// Begin begins an object, which is the member called name; "" for the outermost one.
func (w *Writer) Begin(name string) {
	if name != "" {
		w.name(name)
	}
	*w = append(*w, '{')
}

// End ends the object that was begun last.
func (w *Writer) End() { *w = append(*w, '}') }

// String writes a string.
func (w *Writer) String(name, value string) {
	w.name(name)
	*w = Quote(*w, value)
}

// NonEmpty writes a string unless it is empty.
func (w *Writer) NonEmpty(name, value string) {
	if value != "" {
		w.String(name, value)
	}
}

// List writes a list of strings unless it is empty.
func (w *Writer) List(name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.name(name)
	opening := byte('[')
	for _, value := range values {
		*w = Quote(append(*w, opening), value)
		opening = ','
	}
	*w = append(*w, ']')
}

// Map writes an object of strings, in the order of their names.
func (w *Writer) Map(name string, values map[string]string) {
	var room [16]string
	w.Begin(name)
	for _, key := range sorted(room[:0], values) {
		w.String(key, values[key])
	}
	w.End()
}

func sorted(into []string, values map[string]string) []string {
	into = slices.AppendSeq(into, maps.Keys(values))
	slices.Sort(into)
	return into
}

// Int writes a number.
func (w *Writer) Int(name string, value int) {
	w.name(name)
	*w = strconv.AppendInt(*w, int64(value), 10)
}

// True writes true if value is, and nothing otherwise.
func (w *Writer) True(name string, value bool) {
	if value {
		w.name(name)
		*w = append(*w, "true"...)
	}
}

// NonZero writes a number unless it is 0.
func (w *Writer) NonZero(name string, value int) {
	if value != 0 {
		w.Int(name, value)
	}
}

func (w *Writer) name(name string) {
	if last := len(*w) - 1; (*w)[last] != '{' {
		*w = append(*w, ',')
	}
	*w = append(Quote(*w, name), ':')
}

// Quote appends s in quotes, escaped as encoding/json does, but for what would matter in
// HTML alone: nobody puts a request's body there.
func Quote(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		at := firstEscaped(s)
		b = append(b, s[:at]...)
		if at == len(s) {
			return append(b, '"')
		}
		c, size := utf8.DecodeRuneInString(s[at:])
		b, s = escape(b, c, size), s[at+size:]
	}
}

// firstEscaped is where the first character of s is that cannot stand as it is; len(s) if
// there is none.
func firstEscaped(s string) int {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c < ' ', c == '"', c == '\\':
			return i
		case c < utf8.RuneSelf:
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return i
		}
		i += size
	}
	return len(s)
}

// escape appends c, which has size bytes.
func escape(b []byte, c rune, size int) []byte {
	const hex = "0123456789abcdef"
	if short := strings.IndexRune("\"\\\b\f\n\r\t", c); short >= 0 {
		return append(b, '\\', `"\bfnrt`[short])
	}
	if c == utf8.RuneError && size > 1 { // it is a character that was sent
		return utf8.AppendRune(b, c)
	}
	return append(b, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
}
