package notice

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// View is a receipt as one or many recipients see it.
type View struct {
	*Template
	Manner
	// Topic is its name for who sees it.
	Topic string
	// Data is what apps get, on every platform.
	Data map[string]string
	// Text is what stands for [MessageText].
	Text string
	// Made is for the provider: what it has made of the view and keeps beside it.
	Made any

	id string // the identity of the message; made when asked for
}

func (t *Template) newView(topic string, m Manner, withSender bool, limit int) *View {
	v := &View{Template: t, Topic: topic, Manner: m, Text: t.content.Plain}
	v.Data = t.data(topic, m.Silent)
	if withSender {
		v.Data["xfrom"] = t.From // FCM reserves "from"
	}
	v.fit(limit)
	return v
}

// data is what apps get, on every platform.
func (t *Template) data(topic string, silent bool) map[string]string {
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
	case push.ActTest:
		d["test"] = t.Test
	case push.ActSub:
		d["modeWant"] = t.ModeWant.String()
		d["modeGiven"] = t.ModeGiven.String()
	}
	return d
}

func (t *Template) addMessage(d map[string]string) {
	if !t.Settings.IDsOnly {
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

// Body is the text of a notification in a section. A text that only says what kind
// of thing the message is gives way to one in the reader's language.
func (v *View) Body(s *Section, locKey string) string {
	body := s.Text(v.What, func(n *Notice) string { return n.Body })
	switch {
	case body != MessageText:
		return body
	case locKey != "" && (v.content.StandIn || v.Text == ""):
		return ""
	}
	return v.words(s)
}

// words stands for [MessageText] in a section.
func (v *View) words(s *Section) string {
	if v.What == push.ActMsg && (v.content.StandIn || v.Text == "") {
		return cmp.Or(s.Text(v.What, func(n *Notice) string { return n.Fallback }), v.Text)
	}
	return v.Text
}

// Wordless reports whether a notification whose words are those of the message has
// none.
func (v *View) Wordless(s *Section, words string) bool {
	return words == "" && v.Settings.Improvements.TolerateContent &&
		s.Text(v.What, func(n *Notice) string { return n.Body }) == MessageText
}

// Args are the arguments of a localised text; nil without its key, as nobody takes
// them then.
func (v *View) Args(s *Section, key string, field func(*Notice) []string) []string {
	args := s.Args(v.What, field)
	if key == "" || len(args) == 0 || !v.Settings.Improvements.AllKeys {
		return nil
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == MessageText {
			args[i] = v.words(s)
		}
	}
	return args
}

// More is the text of a key that Tinode does not send.
func (v *View) More(s *Section, field func(*Notice) string) string {
	if !v.Settings.Improvements.AllKeys {
		return ""
	}
	return s.Text(v.What, field)
}

// Image is the address of a picture, if it is one that can be sent.
func (v *View) Image(s *Section) string {
	if image := v.More(s, func(n *Notice) string { return n.Image }); IsAddress(image) {
		return image
	}
	return ""
}

// Identity is the collapse identity of the message for those who see this view.
func (v *View) Identity() string {
	if v.id == "" {
		v.id = collapseID(&v.Payload, v.Topic)
	}
	return v.id
}
