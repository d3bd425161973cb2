package fcm

import (
	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

// androidConfig is the section for Android.
func (v *view) androidConfig() *messaging.AndroidConfig {
	if v.android != nil {
		return v.android
	}
	ttl := v.Left
	if v.IsRinging() || v.IsCall() && !v.Settings.Improvements.RemainingTTL { // now or never
		ttl = 0
	}
	v.android = &messaging.AndroidConfig{Priority: "high", TTL: &ttl}
	if v.Quiet || v.What == push.ActRead {
		v.android.Priority = "normal"
	} else if v.Settings.Android.Enabled {
		v.android.Notification = v.androidNotification()
	}
	if v.Settings.Improvements.AndroidCollapseKey {
		v.android.CollapseKey = v.Identity()
	}
	return v.android
}

// androidNotification is drawn by the system; nil if there is nothing to read on it.
// Its tag is the topic: a device shows one notification for each, the last, and apps
// take it away by that name.
func (v *view) androidNotification() *messaging.AndroidNotification {
	s, what := &v.Settings.Android, v.What
	n := &messaging.AndroidNotification{
		Tag:         v.Topic,
		Priority:    messaging.PriorityHigh,
		Visibility:  messaging.VisibilityPrivate,
		Title:       s.Text(what, func(n *notice.Notice) string { return n.Title }),
		TitleLocKey: s.Text(what, func(n *notice.Notice) string { return n.TitleLocKey }),
		BodyLocKey:  s.Text(what, func(n *notice.Notice) string { return n.BodyLocKey }),
		Icon:        s.Text(what, func(n *notice.Notice) string { return n.Icon }),
		Color:       s.Text(what, (*notice.Notice).Colored),
		ClickAction: s.Text(what, func(n *notice.Notice) string { return n.ClickAction }),
		ChannelID:   v.More(s, func(n *notice.Notice) string { return n.ChannelID }),
		Sound:       v.More(s, func(n *notice.Notice) string { return n.Sound }),
		ImageURL:    v.Image(s),
	}
	n.Body = v.Body(s, n.BodyLocKey)
	n.TitleLocArgs = v.Args(s, n.TitleLocKey, func(n *notice.Notice) []string { return n.TitleLocArgs })
	n.BodyLocArgs = v.Args(s, n.BodyLocKey, func(n *notice.Notice) []string { return n.BodyLocArgs })
	switch v.More(s, func(n *notice.Notice) string { return n.Visibility }) {
	case "public":
		n.Visibility = messaging.VisibilityPublic
	case "secret":
		n.Visibility = messaging.VisibilitySecret
	}
	if v.IsCall() {
		n.Priority = messaging.PriorityMax
	}
	if v.Wordless(s, n.Title+n.TitleLocKey+n.Body+n.BodyLocKey) {
		return nil
	}
	return n
}
