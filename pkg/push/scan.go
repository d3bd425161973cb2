package push

import (
	"fmt"
	"unicode/utf8"
)

// maxNesting is where encoding/json stops too; it keeps the recursion of the
// scanner within a sane stack whatever [Limits] say.
const maxNesting = 10_000

// scanner walks over one JSON document from left to right and checks everything
// it passes against RFC 8259: reading a receipt is one pass. Its methods stand
// before a value, or before white space and a value, and leave the scanner right
// after it. They return nil or what is wrong; the scanner is then of no more use,
// except by copying back an earlier state.
type scanner struct {
	data        []byte
	pos         int
	depth, keys int
	recipients  int // and ids of their devices
	lim         Limits
}

// start checks what concerns a document as a whole and stands before its value.
func start(data []byte, lim Limits) (scanner, *MalformedError) {
	lim = lim.orDefaults()
	if len(data) > lim.MaxBytes {
		return scanner{}, &MalformedError{Oversize: true, Problem: fmt.Sprintf(
			"%d bytes are more than the limit of %d: send large content by reference, or raise the limit", len(data), lim.MaxBytes)}
	}
	if !utf8.Valid(data) {
		return scanner{}, &MalformedError{Offset: invalidUTF8(data), Problem: "invalid UTF-8"}
	}
	return scanner{data: data, lim: lim}, nil
}

// invalidUTF8 returns where data stops being UTF-8.
func invalidUTF8(data []byte) int {
	for i := 0; ; {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// end checks that nothing but white space follows.
func (s *scanner) end() *MalformedError {
	if s.next(); s.pos < len(s.data) {
		return s.fail("want nothing after the receipt")
	}
	return nil
}

// next passes white space and returns the byte after it, or 0 at the end.
func (s *scanner) next() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) fail(problem string) *MalformedError {
	return &MalformedError{Offset: s.pos, Problem: problem}
}

// value passes any value and returns its bytes, in a slice that cannot be
// appended to in place.
func (s *scanner) value() ([]byte, *MalformedError) {
	s.next()
	from := s.pos
	if fault := s.skip(); fault != nil {
		return nil, fault
	}
	return s.data[from:s.pos:s.pos], nil
}

// skip passes any value.
func (s *scanner) skip() *MalformedError {
	switch s.next() {
	case '{':
		return s.object(func([]byte) *MalformedError { return s.skip() })
	case '[':
		return s.array(s.skip)
	case '"':
		return s.str()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// object passes an object and calls member at each of its values. name is the
// name as it stands, in quotes.
func (s *scanner) object(member func(name []byte) *MalformedError) *MalformedError {
	return s.members(s.count, member)
}

// members is object with another way to count its keys.
func (s *scanner) members(count func() *MalformedError, member func(name []byte) *MalformedError) *MalformedError {
	return s.list('}', func() *MalformedError {
		if s.next() != '"' {
			return s.fail("want the name of a member")
		}
		if fault := count(); fault != nil {
			return fault
		}
		from := s.pos
		if fault := s.str(); fault != nil {
			return fault
		}
		name := s.data[from:s.pos]
		if s.next() != ':' {
			return s.fail("want a colon")
		}
		s.pos++
		return member(name)
	})
}

// count counts one object key.
func (s *scanner) count() *MalformedError {
	if s.keys++; s.keys > s.lim.MaxKeys {
		return s.fail(fmt.Sprintf("more than %d object keys: shorten the content, or raise the limit", s.lim.MaxKeys))
	}
	return nil
}

// countRecipient counts one recipient, or one id of a device.
func (s *scanner) countRecipient() *MalformedError {
	if s.recipients++; s.recipients > s.lim.MaxRecipients {
		return s.fail(fmt.Sprintf("more than %d recipients and device ids: split the receipt by recipients, or raise the limit", s.lim.MaxRecipients))
	}
	return nil
}

// array passes an array and calls item at each of its values.
func (s *scanner) array(item func() *MalformedError) *MalformedError {
	return s.list(']', item)
}

// list passes a bracket, items with commas between them, and the bracket end.
func (s *scanner) list(end byte, item func() *MalformedError) *MalformedError {
	if s.depth++; s.depth > s.lim.MaxDepth {
		return s.fail(fmt.Sprintf("nested deeper than %d: flatten it, or raise the limit", s.lim.MaxDepth))
	}
	s.pos++
	if s.next() != end {
		if fault := s.items(item); fault != nil {
			return fault
		}
	}
	if s.next() != end {
		return s.fail("want a comma or the closing bracket")
	}
	s.pos++
	s.depth--
	return nil
}

func (s *scanner) items(item func() *MalformedError) *MalformedError {
	for {
		if fault := item(); fault != nil {
			return fault
		}
		if s.next() != ',' {
			return nil
		}
		s.pos++
	}
}
