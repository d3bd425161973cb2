package fcm

import (
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"
)

// webpushConfig is the section for browsers; nil unless it is enabled or its
// publisher said when it goes stale.
func (v *view) webpushConfig() *messaging.WebpushConfig {
	if !v.t.config.Webpush.Enabled && !v.t.mortal {
		return nil
	}
	if v.webpush == nil {
		v.webpush = &messaging.WebpushConfig{Headers: v.webpushHeaders()}
		if v.t.config.Webpush.Enabled && v.t.config.Improvements.AllKeys && !v.quiet {
			v.addWebNotification()
		}
	}
	return v.webpush
}

func (v *view) webpushHeaders() map[string]string {
	headers := make(map[string]string, 3)
	if v.t.config.Improvements.RemainingTTL || v.t.mortal {
		headers["TTL"] = v.webTTL()
	}
	if v.t.config.Improvements.CollapsePerMessage {
		headers["Topic"] = v.identity()
	}
	if v.quiet {
		headers["Urgency"] = "low"
	}
	return headers
}

// addWebNotification adds what the browser draws, if the configuration has texts for
// it; without them the app draws. Its tag is the topic, as apps name their own.
func (v *view) addWebNotification() {
	s, what := &v.t.config.Webpush, v.t.What
	n := &messaging.WebpushNotification{
		Title: s.text(what, func(n *Notice) string { return n.Title }),
		Body:  v.body(s, ""),
		Icon:  s.text(what, func(n *Notice) string { return n.Icon }),
		Image: v.image(s),
		Tag:   v.topic,
	}
	if n.Title+n.Body == "" {
		return
	}
	v.webpush.Notification = n
	if link := s.text(what, func(n *Notice) string { return n.ClickAction }); isLink(link) {
		v.webpush.FCMOptions = &messaging.WebpushFCMOptions{Link: link}
	}
}

func (v *view) webTTL() string { return strconv.FormatInt(int64(v.t.ttl/time.Second), 10) }
