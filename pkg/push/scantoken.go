package push

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
)

// str passes a string; the scanner stands right before it.
func (s *scanner) str() *MalformedError {
	s.pos++
	for s.pos += plain(s.data[s.pos:]); s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c == '\\':
			n := escapeLen(s.data[s.pos+1:])
			if n == 0 {
				return s.fail("not an escape that JSON has")
			}
			s.pos += n + plain(s.data[s.pos+n+1:])
		case c < ' ':
			return s.fail("a control character in a string: escape it")
		}
	}
	return s.fail("a string without an end")
}

// plain returns how many bytes at the beginning of b, eight by eight, are no quote, no
// backslash and no control character. Content is long: one by one is ten times slower.
func plain(b []byte) (n int) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080 // in each of eight bytes
	for ; n+8 <= len(b); n += 8 {
		// A byte less than k is one whose highest bit is set by taking k away, and was
		// not before: https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
		eight := binary.LittleEndian.Uint64(b[n:])
		quote, backslash := eight^'"'*ones, eight^'\\'*ones
		if ((eight-' '*ones)&^eight|(quote-ones)&^quote|(backslash-ones)&^backslash)&highs != 0 {
			break
		}
	}
	return n
}

// escapeLen returns the length of the escape after a backslash, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(b) >= 5 && isHex(b[1]) && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) {
			return 5
		}
	}
	return 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// number passes a number. It also answers for every byte that begins no value.
func (s *scanner) number() *MalformedError {
	s.accept('-', '-')
	if !s.accept('0', '0') && !s.digits() {
		return s.fail("want a value")
	}
	if s.accept('.', '.') && !s.digits() {
		return s.fail("want a digit")
	}
	if s.accept('e', 'E') {
		s.accept('+', '-')
		if !s.digits() {
			return s.fail("want a digit")
		}
	}
	return nil
}

// accept passes one byte if it is a or b.
func (s *scanner) accept(a, b byte) bool {
	if s.pos < len(s.data) && (s.data[s.pos] == a || s.data[s.pos] == b) {
		s.pos++
		return true
	}
	return false
}

// digits passes one or more digits.
func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > from
}

// word passes one of the three names that JSON has.
func (s *scanner) word(name string) *MalformedError {
	if len(s.data)-s.pos < len(name) || string(s.data[s.pos:s.pos+len(name)]) != name {
		return s.fail("want a value")
	}
	s.pos += len(name)
	return nil
}

// unquote returns what a string that str has passed stands for. An escaped half
// of a surrogate pair becomes U+FFFD, as with encoding/json.
func unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	_ = json.Unmarshal(raw, &s) // cannot fail: str has checked it
	return []byte(s)
}
