package stdout

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxText is how many bytes of a string are shown.
	maxText = 80
	// maxNamed is how many recipients are named.
	maxNamed = 3
)

// appendText appends r as one line for people:
//
//	2026-07-04T14:22:17.25Z msg grpnG99YhENiQU #42 from usr782riWdFIwE to usrEDJUdpi63P4: "Hello"
func appendText(dst []byte, r *push.Receipt) ([]byte, error) {
	p := &r.Payload
	dst = appendTime(dst, p.Timestamp)
	dst = appendWord(append(dst, ' '), p.What)
	dst = appendWord(append(dst, ' '), p.Topic)
	dst = strconv.AppendInt(append(dst, " #"...), int64(p.SeqId), 10)
	dst = appendField(dst, " from ", p.From)
	dst = appendRecipients(append(dst, " to "...), r.To)
	dst = appendField(dst, " and channel ", r.Channel)
	if p.Silent {
		dst = append(dst, ", silent"...)
	}
	if p.What == push.ActSub {
		dst = append(append(dst, ", want "...), p.ModeWant.String()...)
		dst = append(append(dst, " given "...), p.ModeGiven.String()...)
	}
	dst = appendField(dst, ", call ", p.Webrtc)
	if p.AudioOnly {
		dst = append(dst, " (audio)"...)
	}
	dst = appendField(dst, ", replaces ", p.Replace)
	return appendContent(appendField(dst, ", ", p.ContentType), p.Content), nil
}

func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, '-')
	}
	return t.AppendFormat(dst, time.RFC3339Nano)
}

func appendRecipients(dst []byte, to map[push.Uid]push.Recipient) []byte {
	if len(to) == 0 {
		return append(dst, "nobody"...)
	}
	for i, uid := range slices.Sorted(maps.Keys(to)) {
		if i == maxNamed {
			dst = strconv.AppendInt(append(dst, " and "...), int64(len(to)-i), 10)
			return append(dst, " more"...)
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(dst, "usr"...), uid.String()...)
	}
	return dst
}

// appendField appends a label and s, if there is s.
func appendField(dst []byte, label, s string) []byte {
	if s == "" {
		return dst
	}
	return appendWord(append(dst, label...), s)
}

// wordChars need no quotes: with them a string can neither move the cursor nor look
// like more than one word.
const wordChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.+:"

func appendWord(dst []byte, s string) []byte {
	if s != "" && len(s) <= maxText && strings.Trim(s, wordChars) == "" {
		return append(dst, s...)
	}
	return appendQuoted(dst, s)
}

// appendQuoted appends the beginning of s as a Go string, which shows everything
// that is not printable as an escape.
func appendQuoted(dst []byte, s string) []byte {
	if len(s) <= maxText {
		return strconv.AppendQuote(dst, s)
	}
	end := maxText
	for end > maxText-3 && s[end]&0xc0 == 0x80 { // inside a character
		end--
	}
	return append(strconv.AppendQuote(dst, s[:end]), "…"...)
}

// appendContent appends the text of a message, or how long it is in JSON.
func appendContent(dst []byte, content any) []byte {
	if content == nil {
		return dst
	}
	dst = append(dst, ": "...)
	raw, ok := content.(json.RawMessage)
	if !ok {
		raw, _ = json.Marshal(content) // what is no JSON has no length either
	}
	if text, ok := messageText(raw); ok {
		return appendQuoted(dst, text)
	}
	return append(strconv.AppendInt(dst, int64(len(raw)), 10), " bytes"...)
}

// messageText is the text of a plain or a formatted message.
func messageText(raw json.RawMessage) (string, bool) {
	var plain *string
	if json.Unmarshal(raw, &plain) == nil && plain != nil {
		return *plain, true
	}
	var formatted struct {
		Txt *string `json:"txt"`
	}
	if json.Unmarshal(raw, &formatted) == nil && formatted.Txt != nil {
		return *formatted.Txt, true
	}
	return "", false
}
