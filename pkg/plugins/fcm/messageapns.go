package fcm

import (
	"cmp"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxAppleCollapseID is in bytes.
	maxAppleCollapseID = 64
	// ringStored is how long Apple keeps a call for a device that is not reachable.
	ringStored = 10 * time.Second
)

func (v *view) apnsSection() {
	v.Begin("apns")
	v.apnsHeaders()
	v.Begin("payload")
	v.Begin("aps")
	v.Int("content-available", 1)
	if !v.Quiet { // Apple may refuse, delay or drop a background push that has more
		v.badgeAt = len(v.Writer)
		v.apsNews()
	}
	v.End()
	v.End()
	if image := v.Image(&v.Settings.APNS); image != "" && !v.Quiet {
		v.Map("fcm_options", map[string]string{"image": image})
	}
	v.End()
}

func (v *view) apnsHeaders() {
	stored, priority, kind := v.Left, "10", "alert"
	if v.IsRinging() {
		stored = min(stored, ringStored)
	}
	if v.Quiet || v.What == push.ActRead {
		priority, kind = "5", "background"
	}
	v.Begin("headers")
	v.String("apns-collapse-id", v.appleCollapseID())
	v.String("apns-expiration", v.appleExpiry(stored))
	v.String("apns-priority", priority)
	v.String("apns-push-type", kind)
	v.NonEmpty("apns-topic", v.config.APNSBundleID)
	v.End()
}

func (v *view) appleExpiry(stored time.Duration) string {
	return strconv.FormatInt(v.Now.Add(stored).Unix(), 10)
}

func (v *view) appleCollapseID() string {
	if v.Settings.Improvements.CollapsePerMessage || len(v.Topic) > maxAppleCollapseID {
		return v.Identity()
	}
	return v.Topic
}

// apsNews is in the payload of what is news.
func (v *view) apsNews() {
	s, level := &v.Settings.APNS, "time-sensitive"
	switch {
	case v.IsRinging():
		level = "critical"
	case v.What == push.ActRead:
		level = "passive"
	}
	if v.DrawsAlert() {
		if alert := v.Alert(); alert != nil {
			alert.Write(&v.Writer, "alert")
		}
	}
	v.NonEmpty("category", v.More(s, func(n *notice.Notice) string { return cmp.Or(n.Category, n.ClickAction) }))
	v.String("interruption-level", level)
	v.Int("mutable-content", 1)
	v.String("sound", cmp.Or(v.More(s, func(n *notice.Notice) string { return n.Sound }), "default"))
	v.NonEmpty("thread-id", v.Topic)
}
