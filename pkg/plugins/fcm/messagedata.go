package fcm

import (
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/push"
)

// view is a receipt as one or many recipients see it. Its sections are made when
// a device of their platform asks for them.
type view struct {
	t      *template
	topic  string
	silent bool
	data   map[string]string
	text   string // for "$content"
	id     string // the identity of the message; made when asked for

	android *messaging.AndroidConfig
	webpush *messaging.WebpushConfig
	apns    *messaging.APNSConfig // the last one, and its badge
	badge   int
	headers map[string]string
	aps     map[string]any
}

func (t *template) newView(topic string, silent, withSender bool) *view {
	v := &view{t: t, topic: topic, silent: silent, text: t.content.plain}
	v.data = t.data(topic, silent)
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
		d["content"] = t.content.plain
		d["rc"] = t.content.preview
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

// body is the text of a notification in a section.
func (v *view) body(s *Section) string {
	body := s.text(v.t.What, func(n *Notice) string { return n.Body })
	if body == "$content" {
		return v.text
	}
	return body
}

// identity is the collapse identity of the message for those who see this view.
func (v *view) identity() string {
	if v.id == "" {
		v.id = collapseID(&v.t.Payload, v.topic)
	}
	return v.id
}
