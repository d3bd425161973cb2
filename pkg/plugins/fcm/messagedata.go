package fcm

import (
	"slices"
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/push"
)

// view is a receipt as one or many recipients see it. Its sections are made when
// a device of their platform asks for them.
type view struct {
	t     *template
	topic string
	manner
	data map[string]string
	text string // for "$content"
	id   string // the identity of the message; made when asked for

	android *messaging.AndroidConfig
	webpush *messaging.WebpushConfig
	apns    *messaging.APNSConfig // the last one, and its badge
	badge   int
	headers map[string]string
	aps     map[string]any
}

func (t *template) newView(topic string, m manner, withSender bool) *view {
	v := &view{t: t, topic: topic, manner: m, text: t.content.Plain}
	v.data = t.data(topic, m.silent)
	if withSender {
		v.data["xfrom"] = t.From // FCM reserves "from"
	}
	return v
}

// data is what apps get, on every platform.
func (t *template) data(topic string, silent bool) map[string]string {
	d := make(map[string]string, 8)
	d["what"] = t.What
	d["topic"] = topic
	d["ts"] = t.Timestamp.Format(time.RFC3339Nano)
	if silent {
		d["silent"] = "true"
	}
	switch t.What {
	case push.ActMsg:
		d["seq"] = strconv.Itoa(t.SeqId)
		t.addMessage(d)
	case push.ActRead:
		d["seq"] = strconv.Itoa(t.SeqId)
	case push.ActSub:
		d["modeWant"] = t.ModeWant.String()
		d["modeGiven"] = t.ModeGiven.String()
	}
	return d
}

func (t *template) addMessage(d map[string]string) {
	if !t.config.IDsOnly {
		d["content"] = t.content.Plain
		d["rc"] = t.content.Preview
		if t.ContentType != "" {
			d["mime"] = t.ContentType
		}
	}
	if t.Webrtc != "" {
		d["webrtc"] = t.Webrtc
		if t.AudioOnly {
			d["aonly"] = "true"
		}
	}
	if t.Replace != "" {
		d["replace"] = t.Replace
	}
}

// body is the text of a notification in a section. A text that only says what kind
// of thing the message is gives way to one in the reader's language.
func (v *view) body(s *Section, locKey string) string {
	body := s.text(v.t.What, func(n *Notice) string { return n.Body })
	switch {
	case body != messageText:
		return body
	case v.t.content.StandIn && locKey != "":
		return ""
	}
	return v.text
}

// wordless reports whether a notification whose words are those of the message has
// none.
func (v *view) wordless(s *Section, words string) bool {
	return words == "" && v.t.config.Improvements.TolerateContent &&
		s.text(v.t.What, func(n *Notice) string { return n.Body }) == messageText
}

// args are the arguments of a localised text; nil without its key, as nobody takes
// them then.
func (v *view) args(s *Section, key string, field func(*Notice) []string) []string {
	args := s.args(v.t.What, field)
	if key == "" || len(args) == 0 || !v.t.config.Improvements.AllKeys {
		return nil
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == messageText {
			args[i] = v.text
		}
	}
	return args
}

// more is text for a key that the original does not send.
func (v *view) more(s *Section, field func(*Notice) string) string {
	if !v.t.config.Improvements.AllKeys {
		return ""
	}
	return s.text(v.t.What, field)
}

// image is the address of a picture, if it is one that can be sent.
func (v *view) image(s *Section) string {
	if image := v.more(s, func(n *Notice) string { return n.Image }); isAddress(image) {
		return image
	}
	return ""
}

// identity is the collapse identity of the message for those who see this view.
func (v *view) identity() string {
	if v.id == "" {
		v.id = collapseID(&v.t.Payload, v.topic)
	}
	return v.id
}
