package fcm

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

const (
	maxPayload      = 4096 // bytes of keys and values
	maxTopicPayload = 2048
	maxTokenLength  = 4096
)

// parsed is what the server keeps of a message.
type parsed struct {
	target       mark // markToken, markTopic or markCondition
	to           string
	validateOnly bool
	// webpush and otherPlatform say which sections are there; a message with
	// webpush alone gets the id of a browser.
	webpush, otherPlatform bool
	sizes                  [buckets]int
	badKey                 string
	badTTL, badWebpushTTL  bool
}

// parse checks the body of a send request as FCM does: first the JSON against
// the schema, then the message itself.
func parse(schema *field, body []byte) (parsed, *fault) {
	if f := syntax(body); f != nil {
		return parsed{}, f
	}
	w := walker{rest: body}
	w.path = w.room[:0]
	if w.peek() != '{' {
		return parsed{}, syntaxFault("Invalid JSON payload received. Root element must be a message.")
	}
	w.object(schema)
	if len(w.faults) > 0 {
		lines := make([]string, len(w.faults))
		for i, v := range w.faults {
			lines[i] = v.Description
		}
		return w.got, &fault{message: strings.Join(lines, "\n"), violations: w.faults, badRequest: true}
	}
	return w.got, w.got.check()
}

func syntax(body []byte) *fault {
	switch {
	case len(body) == 0:
		return fieldFault("message", "Recipient of the message is not set.")
	case !utf8.Valid(body):
		return syntaxFault("Invalid JSON payload received. Invalid UTF-8 in the input.")
	case json.Valid(body):
		return nil
	}
	var v any
	err, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(body, &v))
	if ok && strings.Contains(err.Error(), "unexpected end") {
		return syntaxFault("Invalid JSON payload received. Unexpected end of string.")
	}
	return syntaxFault("Invalid JSON payload received. Unexpected token.")
}

// check looks for what FCM refuses in a message that is well-formed; nil when
// there is nothing. Its texts are FCM's, save for the key and the TTL (guesses).
func (p *parsed) check() *fault {
	switch {
	case p.target == 0:
		return fieldFault("message", "Recipient of the message is not set.")
	case p.target == markTopic && !isTopic(p.to):
		return fieldFault("message", "Topic name contains invalid characters.")
	case p.target == markCondition && !strings.Contains(p.to, "in topics"):
		return syntaxFault("Request contains an invalid argument.")
	case p.target == markToken && !isToken(p.to):
		return &fault{name: invalidToken, message: "The registration token is not a valid FCM registration token", fcm: true}
	case p.badKey != "":
		return fieldFault("message.data", "Invalid data payload key: "+p.badKey)
	case p.badTTL:
		return fieldFault("message.android.ttl", "TTL must be between 0 and 2419200 seconds.")
	case p.badWebpushTTL:
		return fieldFault("message.webpush.headers.TTL", "TTL must be a non-negative integer.")
	}
	return p.checkSize()
}

// checkSize adds up keys and values as an Android device and an Apple device
// would get them.
func (p *parsed) checkSize() *fault {
	limit, text := maxPayload, "Message is too large. The maximum is 4K (4096 bytes)."
	if p.target != markToken {
		limit, text = maxTopicPayload, "Message is too large. The maximum is 2K (2048 bytes)."
	}
	data := p.sizes[bucketData]
	if p.sizes[bucketAndroidData] > 0 {
		data = max(data, p.sizes[bucketAndroidData]) // it replaces data on Android
	}
	android := data + p.sizes[bucketNotification] + p.sizes[bucketAndroidNotification]
	if android > limit || p.sizes[bucketApns] > maxPayload {
		return &fault{message: text, badRequest: true, fcm: true}
	}
	return nil
}

func isTopic(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isWord(c) && !strings.ContainsRune("-_.~%", rune(c)) {
			return false
		}
	}
	return s != ""
}

// isToken is lenient: real tokens are longer, but tests want to read theirs.
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxTokenLength
}

func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
