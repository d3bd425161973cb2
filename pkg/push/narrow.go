package push

import (
	"fmt"
)

// Narrow returns the receipt raw with only the value of to, and of channel if it
// has one or is to have one, replaced: unknown fields, content and spacing stay
// byte for byte. The result decodes to exactly the recipients and the channel
// given. Keys are written as text. It is an error if raw is malformed, or the id
// of a recipient is zero.
//
// Names match as [Decode] matches them. Where a name is there more than once, the
// last value is replaced and the earlier ones become null, which Decode ignores.
func Narrow(raw []byte, to map[Uid]Recipient, channel string) ([]byte, error) {
	newTo, err := appendRecipients(nil, to, KeyText)
	if err != nil {
		return nil, err
	}
	members := map[string]*member{
		"to":      {value: newTo, needed: len(to) > 0},
		"channel": {value: appendString(nil, channel), needed: channel != ""},
	}
	doc, fault := findMembers(raw, members)
	if fault != nil {
		return nil, fmt.Errorf("narrow receipt: %w", fault)
	}
	return doc.edited(raw, members), nil
}

// member is a member of the outermost object that is to get a value.
type member struct {
	value  []byte
	needed bool // even if it is not there
	last   int  // offset of the value that counts; 0 if it is not there
}

// outline is where the values to replace are.
type outline struct {
	body  int // right after the opening brace
	empty bool
	spans []span
}

type span struct {
	name     string
	from, to int
}

func findMembers(raw []byte, members map[string]*member) (doc outline, fault *MalformedError) {
	s, fault := start(raw, NoLimits())
	if fault != nil {
		return doc, fault
	}
	if s.next() != '{' {
		return doc, s.fail("want a JSON object")
	}
	doc.body = s.pos + 1
	fault = s.object(func(name []byte) *MalformedError {
		value, fault := s.value()
		if name := known(name, "to", "channel"); name != "" {
			from := s.pos - len(value)
			doc.spans = append(doc.spans, span{name, from, s.pos})
			members[name].last = from
		}
		return fault
	})
	if fault != nil {
		return doc, fault
	}
	doc.empty = s.keys == 0
	return doc, s.end()
}

func (doc outline) edited(raw []byte, members map[string]*member) []byte {
	out := append([]byte(nil), raw[:doc.body]...)
	for _, name := range []string{"to", "channel"} {
		if m := members[name]; m.needed && m.last == 0 {
			out = append(append(append(out, '"'), name...), `":`...)
			out = append(append(out, m.value...), ',')
		}
	}
	if doc.empty && len(out) > doc.body {
		out = out[:len(out)-1] // the comma
	}
	at := doc.body
	for _, sp := range doc.spans {
		out = append(out, raw[at:sp.from]...)
		if m := members[sp.name]; sp.from == m.last {
			out = append(out, m.value...)
		} else {
			out = append(out, "null"...)
		}
		at = sp.to
	}
	return append(out, raw[at:]...)
}
