package fcm

import (
	"cmp"
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// noBadge leaves the badge of the app as it is.
	noBadge = -1
	// maxAppleCollapseID is in bytes.
	maxAppleCollapseID = 64
	// ringStored is how long Apple keeps a call for a device that is not reachable.
	ringStored = 10 * time.Second
)

// apnsParts are allocated together.
type apnsParts struct {
	config  messaging.APNSConfig
	payload messaging.APNSPayload
	aps     messaging.Aps
	badge   int
}

// apnsConfig is the section for Apple devices.
func (v *view) apnsConfig(badge int) *messaging.APNSConfig {
	if v.apns != nil && v.badge == badge {
		return v.apns
	}
	if v.Quiet && v.apns != nil {
		return v.apns
	}
	if v.headers == nil {
		v.headers = v.apnsHeaders()
	}
	parts := &apnsParts{badge: badge}
	parts.payload.Aps = &parts.aps
	parts.config = messaging.APNSConfig{Headers: v.headers, Payload: &parts.payload}
	if v.Quiet { // Apple may refuse, delay or drop a background push that has more
		parts.aps = messaging.Aps{ContentAvailable: true}
	} else {
		v.fillAps(parts)
	}
	v.apns, v.badge = &parts.config, badge
	return v.apns
}

// fillAps is the section of a push that is news.
func (v *view) fillAps(parts *apnsParts) {
	s := &v.Settings.APNS
	if v.aps == nil {
		v.aps = v.apsMore()
	}
	parts.aps = messaging.Aps{
		ContentAvailable: true, MutableContent: true, ThreadID: v.Topic, CustomData: v.aps,
		Sound:    cmp.Or(v.More(s, func(n *notice.Notice) string { return n.Sound }), "default"),
		Category: v.More(s, func(n *notice.Notice) string { return cmp.Or(n.Category, n.ClickAction) }),
	}
	if parts.badge != noBadge {
		parts.aps.Badge = &parts.badge
	}
	if image := v.Image(s); image != "" {
		parts.config.FCMOptions = &messaging.APNSFCMOptions{ImageURL: image}
	}
}

func (v *view) apnsHeaders() map[string]string {
	stored := v.Left
	if v.IsRinging() {
		stored = min(stored, ringStored)
	}
	headers := map[string]string{
		"apns-expiration":  v.appleExpiry(stored),
		"apns-priority":    "10",
		"apns-push-type":   "alert",
		"apns-collapse-id": v.appleCollapseID(),
	}
	if v.Quiet || v.What == push.ActRead {
		headers["apns-priority"], headers["apns-push-type"] = "5", "background"
	}
	if id := v.config.APNSBundleID; id != "" {
		headers["apns-topic"] = id
	}
	return headers
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

// apsMore are the members of aps that the SDK does not know, or not wholly.
func (v *view) apsMore() map[string]any {
	more := map[string]any{"interruption-level": "time-sensitive"}
	switch {
	case v.IsRinging():
		more["interruption-level"] = "critical"
	case v.What == push.ActRead:
		more["interruption-level"] = "passive"
	}
	if v.DrawsAlert() {
		if alert := v.Alert(); alert != nil {
			more["alert"] = alert
		}
	}
	return more
}
