package fcm

import (
	"bytes"
	"encoding/json"
)

// The steps of a walker. They only find their way: encoding/json has checked the
// syntax.

func (w *walker) peek() byte {
	w.rest = bytes.TrimLeft(w.rest, " \t\r\n")
	return w.rest[0]
}

func (w *walker) skip(c byte) {
	if w.peek() == c {
		w.rest = w.rest[1:]
	}
}

func (w *walker) comma() { w.skip(',') }

// literal takes a string with its quotes off and its escapes kept.
func (w *walker) literal() []byte {
	w.peek()
	end := stringEnd(w.rest)
	raw := w.rest[1 : end-1]
	w.rest = w.rest[end:]
	return raw
}

// stringEnd is the offset behind the closing quote.
func stringEnd(b []byte) int {
	for i := 1; ; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// discard takes the next value, whatever it is.
func (w *walker) discard() []byte {
	w.peek()
	end := valueEnd(w.rest)
	raw := w.rest[:end]
	w.rest = w.rest[end:]
	return raw
}

func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringEnd(b[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		default:
			if depth > 0 {
				continue
			}
			return i + scalarEnd(b[i:])
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return len(b)
}

func scalarEnd(b []byte) int {
	if i := bytes.IndexAny(b, ",}] \t\r\n"); i >= 0 {
		return i
	}
	return len(b)
}

// plain returns the bytes of a string, decoded when it has escapes.
func plain(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return decoded(raw)
}

func decoded(raw []byte) []byte {
	var s string
	quoted := append(append([]byte{'"'}, raw...), '"')
	_ = json.Unmarshal(quoted, &s) // part of valid JSON
	return []byte(s)
}
