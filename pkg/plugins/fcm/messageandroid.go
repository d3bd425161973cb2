package fcm

import (
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/push"
)

// androidConfig is the section for Android.
func (v *view) androidConfig() *messaging.AndroidConfig {
	if v.android != nil {
		return v.android
	}
	ttl := v.t.ttl
	if isCall(&v.t.Payload) { // now or never
		ttl = 0
	}
	v.android = &messaging.AndroidConfig{Priority: "high", TTL: &ttl}
	if v.t.What == push.ActRead {
		v.android.Priority = "normal"
	} else if v.t.config.Android.Enabled {
		v.android.Notification = v.androidNotification()
	}
	if v.t.config.Improvements.AndroidCollapseKey {
		v.android.CollapseKey = v.identity()
	}
	return v.android
}

// androidNotification is drawn by the system. Its tag is the topic: a device shows
// one notification for each, the last, and apps take it away by that name.
func (v *view) androidNotification() *messaging.AndroidNotification {
	s, what := &v.t.config.Android, v.t.What
	n := &messaging.AndroidNotification{
		Tag:         v.topic,
		Priority:    messaging.PriorityHigh,
		Visibility:  messaging.VisibilityPrivate,
		Title:       s.text(what, func(n *Notice) string { return n.Title }),
		TitleLocKey: s.text(what, func(n *Notice) string { return n.TitleLocKey }),
		Body:        v.body(s),
		BodyLocKey:  s.text(what, func(n *Notice) string { return n.BodyLocKey }),
		Icon:        s.text(what, func(n *Notice) string { return n.Icon }),
		Color:       s.text(what, (*Notice).color),
		ClickAction: s.text(what, func(n *Notice) string { return n.ClickAction }),
	}
	if isCall(&v.t.Payload) {
		n.Priority = messaging.PriorityMax
	}
	return n
}

// webpushConfig is the section for browsers; nil unless it is enabled or its
// publisher said when it goes stale. The app draws the notification.
func (v *view) webpushConfig() *messaging.WebpushConfig {
	if !v.t.config.Webpush.Enabled && !v.t.mortal {
		return nil
	}
	if v.webpush == nil {
		v.webpush = &messaging.WebpushConfig{Headers: v.webpushHeaders()}
	}
	return v.webpush
}

func (v *view) webpushHeaders() map[string]string {
	headers := make(map[string]string, 2)
	if v.t.config.Improvements.RemainingTTL || v.t.mortal {
		headers["TTL"] = v.webTTL()
	}
	if v.t.config.Improvements.CollapsePerMessage {
		headers["Topic"] = v.identity()
	}
	return headers
}

func (v *view) webTTL() string { return strconv.FormatInt(int64(v.t.ttl/time.Second), 10) }
