// Package jsonbody writes the JSON of a request's body member by member, without
// reflection and into a buffer that is used again.
//
// It refuses to know what it writes and whether a member may come twice. What is lost
// at its border: bytes that are not UTF-8, for which U+FFFD is written.
package jsonbody

import (
	"encoding/json"
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
	*w = quote(*w, value)
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
		*w = quote(append(*w, opening), value)
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

// Any writes what encoding/json makes of value, which must be possible.
func (w *Writer) Any(name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	w.name(name)
	*w = append(*w, text...)
}

func (w *Writer) name(name string) {
	if last := len(*w) - 1; (*w)[last] != '{' {
		*w = append(*w, ',')
	}
	*w = append(quote(*w, name), ':')
}

// quote appends s in quotes, escaped as encoding/json does.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		at := strings.IndexFunc(s, isEscaped)
		if at < 0 {
			return append(append(b, s...), '"')
		}
		b = append(b, s[:at]...)
		c, size := utf8.DecodeRuneInString(s[at:])
		b, s = escape(b, c, size), s[at+size:]
	}
}

func isEscaped(c rune) bool {
	switch c {
	case '"', '\\', '<', '>', '&', '\u2028', '\u2029', utf8.RuneError:
		return true
	}
	return c < ' '
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
