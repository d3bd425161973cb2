package fcm

import (
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
)

// webpushConfig is the section for browsers; nil unless it is enabled or its
// publisher said when it goes stale.
func (v *view) webpushConfig() *messaging.WebpushConfig {
	if !v.Settings.Webpush.Enabled && !v.Mortal {
		return nil
	}
	if v.webpush == nil {
		v.webpush = &messaging.WebpushConfig{Headers: v.webpushHeaders()}
		if v.Settings.Webpush.Enabled && v.Settings.Improvements.AllKeys && !v.Quiet {
			v.addWebNotification()
		}
	}
	return v.webpush
}

func (v *view) webpushHeaders() map[string]string {
	headers := make(map[string]string, 3)
	if v.Settings.Improvements.RemainingTTL || v.Mortal {
		headers["TTL"] = v.webTTL()
	}
	if v.Settings.Improvements.CollapsePerMessage {
		headers["Topic"] = v.Identity()
	}
	if v.Quiet {
		headers["Urgency"] = "low"
	}
	return headers
}

// addWebNotification adds what the browser draws, if the configuration has texts for
// it; without them the app draws. Its tag is the topic, as apps name their own.
func (v *view) addWebNotification() {
	s, what := &v.Settings.Webpush, v.What
	n := &messaging.WebpushNotification{
		Title: s.Text(what, func(n *notice.Notice) string { return n.Title }),
		Body:  v.Body(s, ""),
		Icon:  s.Text(what, func(n *notice.Notice) string { return n.Icon }),
		Image: v.Image(s),
		Tag:   v.Topic,
	}
	if n.Title+n.Body == "" {
		return
	}
	v.webpush.Notification = n
	if link := s.Text(what, func(n *notice.Notice) string { return n.ClickAction }); notice.IsLink(link) {
		v.webpush.FCMOptions = &messaging.WebpushFCMOptions{Link: link}
	}
}

func (v *view) webTTL() string { return strconv.FormatInt(int64(v.Left/time.Second), 10) }
