package fcm

import (
	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/push"
)

// androidConfig is the section for Android.
func (v *view) androidConfig() *messaging.AndroidConfig {
	if v.android != nil {
		return v.android
	}
	ttl := v.t.ttl
	if isRinging(&v.t.Payload) || isCall(&v.t.Payload) && !v.t.config.Improvements.RemainingTTL { // now or never
		ttl = 0
	}
	v.android = &messaging.AndroidConfig{Priority: "high", TTL: &ttl}
	if v.quiet || v.t.What == push.ActRead {
		v.android.Priority = "normal"
	} else if v.t.config.Android.Enabled {
		v.android.Notification = v.androidNotification()
	}
	if v.t.config.Improvements.AndroidCollapseKey {
		v.android.CollapseKey = v.identity()
	}
	return v.android
}

// androidNotification is drawn by the system; nil if there is nothing to read on it.
// Its tag is the topic: a device shows one notification for each, the last, and apps
// take it away by that name.
func (v *view) androidNotification() *messaging.AndroidNotification {
	s, what := &v.t.config.Android, v.t.What
	n := &messaging.AndroidNotification{
		Tag:         v.topic,
		Priority:    messaging.PriorityHigh,
		Visibility:  messaging.VisibilityPrivate,
		Title:       s.text(what, func(n *Notice) string { return n.Title }),
		TitleLocKey: s.text(what, func(n *Notice) string { return n.TitleLocKey }),
		BodyLocKey:  s.text(what, func(n *Notice) string { return n.BodyLocKey }),
		Icon:        s.text(what, func(n *Notice) string { return n.Icon }),
		Color:       s.text(what, (*Notice).color),
		ClickAction: s.text(what, func(n *Notice) string { return n.ClickAction }),
		ChannelID:   v.more(s, func(n *Notice) string { return n.ChannelID }),
		Sound:       v.more(s, func(n *Notice) string { return n.Sound }),
		ImageURL:    v.image(s),
	}
	n.Body = v.body(s, n.BodyLocKey)
	n.TitleLocArgs = v.args(s, n.TitleLocKey, func(n *Notice) []string { return n.TitleLocArgs })
	n.BodyLocArgs = v.args(s, n.BodyLocKey, func(n *Notice) []string { return n.BodyLocArgs })
	switch v.more(s, func(n *Notice) string { return n.Visibility }) {
	case "public":
		n.Visibility = messaging.VisibilityPublic
	case "secret":
		n.Visibility = messaging.VisibilitySecret
	}
	if isCall(&v.t.Payload) {
		n.Priority = messaging.PriorityMax
	}
	if v.wordless(s, n.Title+n.TitleLocKey+n.Body+n.BodyLocKey) {
		return nil
	}
	return n
}
