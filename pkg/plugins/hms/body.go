package hms

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
)

// background wakes the app and shows nothing.
func (t *template) background(data map[string]string, ttl int) *rendered {
	if !t.config.isV1 {
		return t.wake(backgroundType, data, ttl)
	}
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("message")
	w.String("data", object(data))
	w.Begin("android")
	w.String("urgency", "NORMAL")
	w.String("ttl", strconv.Itoa(ttl)+"s")
	w.End()
	return &rendered{text: append(w, `,"token":[`...)}
}

// wake is a message of v3 that has only data.
func (t *template) wake(kind string, data map[string]string, ttl int) *rendered {
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("payload")
	w.String("extraData", object(data))
	w.End()
	return t.endV3(&rendered{kind: kind, loud: kind == callType}, w, ttl)
}

func (t *template) endV3(r *rendered, w jsonbody.Writer, ttl int) *rendered {
	w.Begin("pushOptions")
	w.Int("ttl", ttl)
	w.True("testMessage", t.config.TestMessages)
	w.End()
	w.Begin("target")
	r.text = append(w, `"token":[`...)
	return r
}

// alertV3 must have a title, a text and what a click does.
func (t *template) alertV3(v *notice.View, a *alert, ttl int) *rendered {
	s := &t.config.Android
	title := cmp.Or(a.title, "New message")
	r := &rendered{kind: alertType, loud: true, badgeBegin: `"badge":{"setNum":`, badgeEnd: `},`}
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("payload")
	w.Begin("notification")
	r.badgeAt = len(w)
	w.String("category", t.config.Category)
	w.String("title", title)
	w.String("body", cmp.Or(a.body, title))
	w.NonEmpty("image", v.Image(s))
	w.NonEmpty("sound", v.More(s, func(n *notice.Notice) string { return n.Sound }))
	w.Int("notifyId", notifyID(v))
	w.Begin("clickAction")
	if action := s.Text(v.What, func(n *notice.Notice) string { return n.ClickAction }); action != "" {
		w.Int("actionType", 1)
		w.String("action", action)
	} else {
		w.Int("actionType", 0)
	}
	w.Map("data", v.Data)
	w.End()
	w.End()
	w.End()
	return t.endV3(r, w, ttl)
}

// alertV1 must have a sound, and what a click does.
func (t *template) alertV1(v *notice.View, a *alert, ttl int) *rendered {
	s := &t.config.Android
	r := &rendered{loud: true, badgeBegin: `"badge":{"set_num":`, badgeEnd: `,"class":` + string(jsonbody.Quote(nil, t.config.BadgeClass)) + `},`}
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("message")
	w.String("data", object(v.Data))
	w.Begin("android")
	w.String("urgency", "HIGH")
	w.String("ttl", strconv.Itoa(ttl)+"s")
	w.String("category", t.config.Category)
	w.Begin("notification")
	if t.config.BadgeClass != "" {
		r.badgeAt = len(w)
	}
	w.Int("notify_id", notifyID(v))
	wordsV1(&w, v, s, a)
	w.Begin("click_action")
	if action := s.Text(v.What, func(n *notice.Notice) string { return n.ClickAction }); action != "" {
		w.Int("type", 1)
		w.String("action", action)
	} else {
		w.Int("type", 3)
	}
	w.End()
	w.End()
	w.End()
	r.text = append(w, `,"token":[`...)
	return r
}

// wordsV1 are what is seen and heard of a notification.
func wordsV1(w *jsonbody.Writer, v *notice.View, s *notice.Section, a *alert) {
	sound := v.More(s, func(n *notice.Notice) string { return n.Sound })
	w.NonEmpty("title", a.title)
	w.NonEmpty("body", a.body)
	w.NonEmpty("title_loc_key", a.titleKey)
	w.List("title_loc_args", v.Args(s, a.titleKey, func(n *notice.Notice) []string { return n.TitleLocArgs }))
	w.NonEmpty("body_loc_key", a.bodyKey)
	w.List("body_loc_args", v.Args(s, a.bodyKey, func(n *notice.Notice) []string { return n.BodyLocArgs }))
	w.NonEmpty("icon", s.Text(v.What, func(n *notice.Notice) string { return n.Icon }))
	w.NonEmpty("color", s.Text(v.What, (*notice.Notice).Colored))
	w.NonEmpty("channel_id", v.More(s, func(n *notice.Notice) string { return n.ChannelID }))
	w.NonEmpty("image", v.Image(s))
	w.String("visibility", strings.ToUpper(cmp.Or(v.More(s, func(n *notice.Notice) string { return n.Visibility }), "private")))
	w.NonEmpty("sound", sound)
	w.True("default_sound", sound == "")
}
