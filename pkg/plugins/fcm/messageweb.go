package fcm

import "github.com/pushworker/pushworker/pkg/plugins/internal/notice"

// webpushSection is there if it is enabled, or the publisher said when the message goes
// stale.
func (v *view) webpushSection() {
	on := v.Settings.Webpush.Enabled
	if !on && !v.Mortal {
		return
	}
	v.Begin("webpush")
	if headers := v.webpushHeaders(); len(headers) > 0 {
		v.Map("headers", headers)
	}
	if on && v.Settings.Improvements.AllKeys && !v.Quiet {
		v.webNotification()
	}
	v.End()
}

func (v *view) webpushHeaders() map[string]string {
	headers := make(map[string]string, 3)
	if v.Settings.Improvements.RemainingTTL || v.Mortal {
		headers["TTL"] = seconds(v.Left)
	}
	if v.Settings.Improvements.CollapsePerMessage {
		headers["Topic"] = v.Identity()
	}
	if v.Quiet {
		headers["Urgency"] = "low"
	}
	return headers
}

// webNotification is what the browser draws, if the configuration has texts for it;
// without them the app draws. Its tag is the topic, as apps name their own.
func (v *view) webNotification() {
	s, what := &v.Settings.Webpush, v.What
	title, body := s.Text(what, func(n *notice.Notice) string { return n.Title }), v.Body(s, "")
	if title+body == "" {
		return
	}
	v.Begin("notification")
	v.NonEmpty("body", body)
	v.NonEmpty("icon", s.Text(what, func(n *notice.Notice) string { return n.Icon }))
	v.NonEmpty("image", v.Image(s))
	v.NonEmpty("tag", v.Topic)
	v.NonEmpty("title", title)
	v.End()
	if link := s.Text(what, func(n *notice.Notice) string { return n.ClickAction }); notice.IsLink(link) {
		v.Map("fcm_options", map[string]string{"link": link})
	}
}
