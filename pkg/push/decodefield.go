package push

import (
	"encoding/json"
	"strconv"
)

// recipient reads one value of to. Null is a zero Recipient.
func (d *decoder) recipient() (rcpt Recipient, fault *MalformedError) {
	if d.next() != '{' {
		return rcpt, d.null("an object")
	}
	uncounted := func() *MalformedError { return nil }
	fault = d.members(uncounted, func(name []byte) *MalformedError {
		switch name := known(name, "delivered", "unread", "devices"); name {
		case "delivered":
			return d.integer(&rcpt.Delivered).under(name)
		case "unread":
			return d.integer(&rcpt.Unread).under(name)
		case "devices":
			return d.devices(&rcpt.Devices).under(name)
		}
		if fault := d.count(); fault != nil {
			return fault
		}
		return d.skip()
	})
	return rcpt, fault
}

func (d *decoder) devices(into *[]string) *MalformedError {
	*into = nil
	if d.next() != '[' {
		return d.null("an array")
	}
	return d.array(func() *MalformedError {
		if fault := d.countRecipient(); fault != nil {
			return fault
		}
		var id string
		fault := d.text(&id)
		*into = append(*into, id)
		return fault
	})
}

func (d *decoder) payload(p *Payload) *MalformedError {
	if d.next() != '{' {
		return d.null("an object")
	}
	return d.object(func(name []byte) *MalformedError {
		field := known(name, "what", "silent", "topic", "ts", "from", "seq", "mime", "content",
			"webrtc", "aonly", "replace", "want", "given")
		return d.payloadField(p, field).under(field)
	})
}

func (d *decoder) payloadField(p *Payload, field string) *MalformedError {
	switch field {
	case "what":
		return d.text(&p.What)
	case "silent":
		return d.flag(&p.Silent)
	case "topic":
		return d.text(&p.Topic)
	case "ts":
		return d.unmarshal(&p.Timestamp, "a time as in RFC 3339")
	case "from":
		return d.text(&p.From)
	case "seq":
		return d.integer(&p.SeqId)
	case "mime":
		return d.text(&p.ContentType)
	case "content":
		return d.content(&p.Content)
	case "webrtc":
		return d.text(&p.Webrtc)
	case "aonly":
		return d.flag(&p.AudioOnly)
	case "replace":
		return d.text(&p.Replace)
	case "want":
		return d.unmarshal(&p.ModeWant, "an access mode: a string of letters of "+modeLetters+", or N")
	case "given":
		return d.unmarshal(&p.ModeGiven, "an access mode: a string of letters of "+modeLetters+", or N")
	}
	return d.skip()
}

func (s *scanner) content(into *any) *MalformedError {
	raw, fault := s.value()
	if fault != nil {
		return fault
	}
	if string(raw) == "null" {
		*into = nil
	} else {
		*into = json.RawMessage(raw)
	}
	return nil
}

func (s *scanner) text(into *string) *MalformedError {
	if s.next() != '"' {
		return s.null("a string")
	}
	from := s.pos
	if fault := s.str(); fault != nil {
		return fault
	}
	*into = string(unquote(s.data[from:s.pos]))
	return nil
}

func (s *scanner) integer(into *int) *MalformedError {
	raw, fault := s.value()
	if fault != nil || string(raw) == "null" {
		return fault
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil {
		return s.wrong(raw, "an integer of at most 64 bits")
	}
	*into = n
	return nil
}

func (s *scanner) flag(into *bool) *MalformedError {
	raw, fault := s.value()
	if fault != nil {
		return fault
	}
	switch string(raw) {
	case "true":
		*into = true
	case "false":
		*into = false
	case "null":
	default:
		return s.wrong(raw, "true or false")
	}
	return nil
}

// unmarshal leaves a value, null included, to the type of into.
func (s *scanner) unmarshal(into json.Unmarshaler, what string) *MalformedError {
	raw, fault := s.value()
	if fault != nil {
		return fault
	}
	if into.UnmarshalJSON(raw) != nil {
		return s.wrong(raw, what)
	}
	return nil
}

// null passes null where what is wanted too.
func (s *scanner) null(what string) *MalformedError {
	raw, fault := s.value()
	if fault != nil || string(raw) == "null" {
		return fault
	}
	return s.wrong(raw, what+" or null")
}

// wrong says that raw, the value just passed, is not what is wanted.
func (s *scanner) wrong(raw []byte, what string) *MalformedError {
	return &MalformedError{Offset: s.pos - len(raw), Problem: "want " + what}
}
