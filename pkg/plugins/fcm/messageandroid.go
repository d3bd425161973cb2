package fcm

import (
	"cmp"
	"strings"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

func (v *view) androidSection() {
	ttl := v.Left
	if v.IsRinging() || v.IsCall() && !v.Settings.Improvements.RemainingTTL { // now or never
		ttl = 0
	}
	v.Begin("android")
	v.String("ttl", seconds(ttl)+"s")
	if v.Settings.Improvements.AndroidCollapseKey {
		v.NonEmpty("collapse_key", v.Identity())
	}
	if v.Quiet || v.What == push.ActRead {
		v.String("priority", "normal")
	} else {
		v.String("priority", "high")
		v.androidNotification()
	}
	v.End()
}

// androidNotification is drawn by the system, if there is something to read on it. Its
// tag is the topic: a device shows one notification for each, the last, and apps take
// it away by that name.
func (v *view) androidNotification() {
	s, what := &v.Settings.Android, v.What
	title := s.Text(what, func(n *notice.Notice) string { return n.Title })
	titleKey := s.Text(what, func(n *notice.Notice) string { return n.TitleLocKey })
	bodyKey := s.Text(what, func(n *notice.Notice) string { return n.BodyLocKey })
	body := v.Body(s, bodyKey)
	if !s.Enabled || v.Wordless(s, title+titleKey+body+bodyKey) {
		return
	}
	priority := "PRIORITY_HIGH"
	if v.IsCall() {
		priority = "PRIORITY_MAX"
	}
	v.Begin("notification")
	v.String("notification_priority", priority)
	v.String("visibility", strings.ToUpper(cmp.Or(v.More(s, func(n *notice.Notice) string { return n.Visibility }), "private")))
	v.NonEmpty("title", title)
	v.NonEmpty("body", body)
	v.NonEmpty("icon", s.Text(what, func(n *notice.Notice) string { return n.Icon }))
	v.NonEmpty("color", s.Text(what, (*notice.Notice).Colored))
	v.NonEmpty("sound", v.More(s, func(n *notice.Notice) string { return n.Sound }))
	v.NonEmpty("tag", v.Topic)
	v.NonEmpty("click_action", s.Text(what, func(n *notice.Notice) string { return n.ClickAction }))
	v.NonEmpty("body_loc_key", bodyKey)
	v.List("body_loc_args", v.Args(s, bodyKey, func(n *notice.Notice) []string { return n.BodyLocArgs }))
	v.NonEmpty("title_loc_key", titleKey)
	v.List("title_loc_args", v.Args(s, titleKey, func(n *notice.Notice) []string { return n.TitleLocArgs }))
	v.NonEmpty("channel_id", v.More(s, func(n *notice.Notice) string { return n.ChannelID }))
	v.NonEmpty("image", v.Image(s))
	v.End()
}
