package push

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"strings"
)

// Limits bound what [Decode] takes. A field that is zero has its default.
type Limits struct {
	// MaxBytes is the largest size of a receipt.
	MaxBytes int
	// MaxDepth is how deep objects and arrays may be nested; the receipt itself is
	// the first level. More than 10,000 counts as 10,000.
	MaxDepth int
	// MaxKeys is how many object keys there may be in the whole receipt, content
	// and unknown fields included, recipients and what they have apart.
	MaxKeys int
	// MaxRecipients is how many entries to may have; the id of a device counts as one
	// more.
	MaxRecipients int
}

// DefaultLimits returns 1,000,000 bytes, which leaves room for the headers of a
// retry in a broker's usual 1 MiB, depth 64, 20,000 keys, and 20,000 recipients.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 1_000_000, MaxDepth: 64, MaxKeys: 20_000, MaxRecipients: 20_000}
}

// NoLimits returns limits that no receipt meets, but for the depth, of which more than
// 10,000 counts as 10,000.
func NoLimits() Limits {
	return Limits{MaxBytes: math.MaxInt, MaxDepth: math.MaxInt, MaxKeys: math.MaxInt, MaxRecipients: math.MaxInt}
}

func (l Limits) orDefaults() Limits {
	def := DefaultLimits()
	return Limits{
		MaxBytes: cmp.Or(l.MaxBytes, def.MaxBytes),
		MaxDepth: min(cmp.Or(l.MaxDepth, def.MaxDepth), maxNesting),
		MaxKeys:  cmp.Or(l.MaxKeys, def.MaxKeys),

		MaxRecipients: cmp.Or(l.MaxRecipients, def.MaxRecipients),
	}
}

// BadRecipient is an entry of a receipt's to that was left out.
type BadRecipient struct {
	// Key is the entry's key, cut to 64 bytes.
	Key string
	// Err says what is wrong with the key or the value, without quoting them.
	Err error
}

const maxBadKey = 64

// Decode reads a receipt, of any version of the chat server, from JSON. An entry
// of to with a bad key or value costs only itself: it is left out and reported
// in bad. A receipt that addresses no one is not an error. Anything else that is
// wrong makes err a [*MalformedError], and r nil.
//
// Keys of to may have any form that [ParseUid] reads. Otherwise Decode agrees
// with encoding/json: names match in any case, unknown fields are ignored, of
// duplicates the later wins (to and payload are merged), null leaves a field as
// it is (want, given excepted). It is stricter in refusing invalid UTF-8 and any
// value but an object.
//
// [Payload.Content] is nil or a json.RawMessage of the very bytes in data, not a
// copy: data must not be changed while the receipt is in use.
func Decode(data []byte, lim Limits) (r *Receipt, bad []BadRecipient, err error) {
	s, fault := start(data, lim)
	if fault != nil {
		return nil, nil, fault
	}
	d := decoder{scanner: s}
	r = new(Receipt)
	if fault := d.receipt(r); fault != nil {
		return nil, nil, fault
	}
	return r, d.bad, nil
}

// UnmarshalJSON is [Decode] with the default limits and a copy of the content.
// Bad entries of to are left out. Null changes nothing.
func (r *Receipt) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	decoded, _, err := Decode(b, DefaultLimits())
	if err != nil {
		return err
	}
	if content, ok := decoded.Payload.Content.(json.RawMessage); ok {
		decoded.Payload.Content = json.RawMessage(bytes.Clone(content))
	}
	r.To, r.Channel, r.Payload = decoded.To, decoded.Channel, decoded.Payload
	return nil
}

type decoder struct {
	scanner

	bad []BadRecipient
}

func (d *decoder) receipt(r *Receipt) *MalformedError {
	if d.next() != '{' {
		if bytes.HasPrefix(d.data[d.pos:], []byte("\ufeff")) {
			return d.fail("want a JSON object and no byte order mark (BOM) before it: save it as UTF-8 without BOM")
		}
		return d.fail("want a JSON object")
	}
	fault := d.object(func(name []byte) *MalformedError {
		switch name := known(name, "to", "channel", "payload"); name {
		case "to":
			return d.recipients(&r.To).under(name)
		case "channel":
			return d.text(&r.Channel).under(name)
		case "payload":
			return d.payload(&r.Payload).under(name)
		}
		return d.skip()
	})
	if fault != nil {
		return fault
	}
	return d.end()
}

func (d *decoder) recipients(to *map[Uid]Recipient) *MalformedError {
	if d.next() != '{' {
		*to = nil
		return d.null("an object")
	}
	if *to == nil {
		*to = make(map[Uid]Recipient)
	}
	return d.members(d.countRecipient, func(name []byte) *MalformedError {
		key := unquote(name)
		uid, err := ParseUid(string(key))
		if err != nil {
			d.leaveOut(key, err)
			return d.skip()
		}
		before := d.scanner
		rcpt, fault := d.recipient()
		if fault == nil {
			(*to)[uid] = rcpt
			return nil
		}
		d.leaveOut(key, fault)
		d.scanner = before
		return d.skip()
	})
}

func (d *decoder) leaveOut(key []byte, err error) {
	cut := key[:min(len(key), maxBadKey)]
	d.bad = append(d.bad, BadRecipient{Key: strings.ToValidUTF8(string(cut), ""), Err: err})
}

// known returns the one of names that a raw name stands for, in any case, as
// encoding/json matches them; "" if none.
func known(raw []byte, names ...string) string {
	for _, k := range names {
		if string(raw[1:len(raw)-1]) == k { // none of them has anything to escape
			return k
		}
	}
	name := unquote(raw)
	for _, k := range names {
		if bytes.EqualFold(name, []byte(k)) {
			return k
		}
	}
	return ""
}
