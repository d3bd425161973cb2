package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// KeyForm is how the keys of [Receipt.To] are written in JSON.
type KeyForm uint8

const (
	// KeyText writes the 11 characters of a uid's text, which every reader takes.
	KeyText KeyForm = iota
	// KeyDecimal writes decimal numbers, as encoding/json makes them of the chat
	// server's own types. [Decode] reads them; the chat server cannot.
	KeyDecimal
)

// MarshalJSON is [Receipt.AppendJSON] with text keys, for values and pointers
// alike. Note that [encoding/json.Marshal] also escapes the characters <, > and
// & in what it returns, content included.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return r.AppendJSON(nil, KeyText)
}

// AppendJSON appends r to dst as one line of JSON: the fields in the chat
// server's order, recipients sorted by key, strings escaped as encoding/json
// does, except that <, > and & stay as they are. A Content of type json.RawMessage is
// written without white space and otherwise byte for byte; of any other type, as
// encoding/json does, without escapes for HTML. It is an
// error if a recipient's id is zero, the time is not of the years 0 to 9999, a
// mode is [ModeInvalid], or the content is not JSON; dst is then lost.
func (r *Receipt) AppendJSON(dst []byte, keys KeyForm) ([]byte, error) {
	dst, err := appendRecipients(append(dst, `{"to":`...), r.To, keys)
	if err != nil {
		return nil, err
	}
	dst = appendString(append(dst, `,"channel":`...), r.Channel)
	dst, err = r.Payload.appendJSON(append(dst, `,"payload":`...))
	if err != nil {
		return nil, fmt.Errorf("encode payload: %w", err)
	}
	return append(dst, '}'), nil
}

func appendRecipients(dst []byte, to map[Uid]Recipient, keys KeyForm) ([]byte, error) {
	if to == nil {
		return append(dst, "null"...), nil
	}
	type entry struct {
		key  string
		rcpt Recipient
	}
	entries := make([]entry, 0, len(to))
	for uid, rcpt := range to {
		if uid.IsZero() {
			return nil, fmt.Errorf("encode recipients: %w", errZeroUid)
		}
		entries = append(entries, entry{keys.key(uid), rcpt})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	for i, e := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), e.key...), `":`...)
		dst = e.rcpt.appendJSON(dst)
	}
	return append(dst, '}'), nil
}

func (k KeyForm) key(uid Uid) string {
	if k == KeyDecimal {
		return strconv.FormatUint(uint64(uid), 10)
	}
	return uid.String()
}

func (r *Recipient) appendJSON(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"delivered":`...), int64(r.Delivered), 10)
	for i, id := range r.Devices {
		if i == 0 {
			dst = append(dst, `,"devices":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendString(dst, id)
	}
	if len(r.Devices) > 0 {
		dst = append(dst, ']')
	}
	dst = strconv.AppendInt(append(dst, `,"unread":`...), int64(r.Unread), 10)
	return append(dst, '}')
}

func (p *Payload) appendJSON(dst []byte) (_ []byte, err error) {
	dst = appendString(append(dst, `{"what":`...), p.What)
	dst = strconv.AppendBool(append(dst, `,"silent":`...), p.Silent)
	dst = appendString(append(dst, `,"topic":`...), p.Topic)
	if dst, err = appendTime(append(dst, `,"ts":`...), p.Timestamp); err != nil {
		return nil, err
	}
	dst = appendString(append(dst, `,"from":`...), p.From)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), int64(p.SeqId), 10)
	dst = appendString(append(dst, `,"mime":`...), p.ContentType)
	if p.Content != nil {
		if dst, err = appendContent(append(dst, `,"content":`...), p.Content); err != nil {
			return nil, err
		}
	}
	if p.Webrtc != "" {
		dst = appendString(append(dst, `,"webrtc":`...), p.Webrtc)
	}
	if p.AudioOnly {
		dst = append(dst, `,"aonly":true`...)
	}
	if p.Replace != "" {
		dst = appendString(append(dst, `,"replace":`...), p.Replace)
	}
	return p.appendModes(dst)
}

func (p *Payload) appendModes(dst []byte) (_ []byte, err error) {
	if p.ModeWant != ModeNone {
		if dst, err = p.ModeWant.appendJSON(append(dst, `,"want":`...)); err != nil {
			return nil, err
		}
	}
	if p.ModeGiven != ModeNone {
		if dst, err = p.ModeGiven.appendJSON(append(dst, `,"given":`...)); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendTime(dst []byte, t time.Time) ([]byte, error) {
	dst, err := t.AppendText(append(dst, '"'))
	if err != nil {
		return nil, fmt.Errorf("write time: %w", err)
	}
	return append(dst, '"'), nil
}

var errContent = errors.New("content is not valid JSON in UTF-8: give a json.RawMessage of JSON, or any value for encoding/json")

func appendContent(dst []byte, content any) ([]byte, error) {
	raw, ok := content.(json.RawMessage)
	if !ok {
		return appendValue(dst, content)
	}
	if raw == nil {
		return append(dst, "null"...), nil
	}
	buf := bytes.NewBuffer(dst)
	if !utf8.Valid(raw) || json.Compact(buf, raw) != nil {
		return nil, errContent
	}
	return buf.Bytes(), nil
}

// appendValue appends v without the escapes that encoding/json makes for HTML, which take
// six bytes for each <, > and &.
func appendValue(dst []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write content: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}

// appendString appends s in quotes, escaped as encoding/json does, but for HTML.
func appendString(dst []byte, s string) []byte {
	if strings.IndexFunc(s, needsEscape) < 0 {
		return append(append(append(dst, '"'), s...), '"')
	}
	dst, _ = appendValue(dst, s) // a string always encodes
	return dst
}

func needsEscape(c rune) bool {
	return c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\'
}
