package fcm

import (
	"cmp"
	"strconv"
	"time"

	"firebase.google.com/go/v4/messaging"

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

// apsAlert has the keys of an alert that the SDK's own type lacks too.
type apsAlert struct {
	Title           string `json:"title,omitempty"`
	Subtitle        string `json:"subtitle,omitempty"`
	Body            string `json:"body,omitempty"`
	TitleLocKey     string `json:"title-loc-key,omitempty"`
	LocKey          string `json:"loc-key,omitempty"`
	Action          string `json:"action,omitempty"`
	ActionLocKey    string `json:"action-loc-key,omitempty"`
	LaunchImage     string `json:"launch-image,omitempty"`
	SummaryArg      string `json:"summary-arg,omitempty"`
	SummaryArgCount int    `json:"summary-arg-count,omitempty"`
}

// apnsParts are allocated together.
type apnsParts struct {
	config  messaging.APNSConfig
	payload messaging.APNSPayload
	aps     messaging.Aps
	badge   int
}

// badge is what an unread count makes of the badge.
func (t *template) badge(unread int) int {
	if unread < 0 || unread == 0 && !t.config.Improvements.ClearBadge {
		return noBadge
	}
	return unread
}

// apnsConfig is the section for Apple devices.
func (v *view) apnsConfig(badge int) *messaging.APNSConfig {
	if v.apns != nil && v.badge == badge {
		return v.apns
	}
	if v.headers == nil {
		v.headers, v.aps = v.apnsHeaders(), v.apsMore()
	}
	parts := &apnsParts{badge: badge}
	parts.aps = messaging.Aps{
		ContentAvailable: true, MutableContent: true, Sound: "default",
		ThreadID: v.topic, CustomData: v.aps,
	}
	if badge != noBadge {
		parts.aps.Badge = &parts.badge
	}
	parts.payload.Aps = &parts.aps
	parts.config = messaging.APNSConfig{Headers: v.headers, Payload: &parts.payload}
	v.apns, v.badge = &parts.config, badge
	return v.apns
}

func (v *view) apnsHeaders() map[string]string {
	stored := v.t.ttl
	if isRinging(&v.t.Payload) {
		stored = min(stored, ringStored)
	}
	headers := map[string]string{
		"apns-expiration":  v.appleExpiry(stored),
		"apns-priority":    "10",
		"apns-push-type":   "alert",
		"apns-collapse-id": v.appleCollapseID(),
	}
	if v.t.What == push.ActRead {
		headers["apns-priority"], headers["apns-push-type"] = "5", "background"
	}
	if id := v.t.config.APNSBundleID; id != "" {
		headers["apns-topic"] = id
	}
	return headers
}

func (v *view) appleExpiry(stored time.Duration) string {
	return strconv.FormatInt(v.t.now.Add(stored).Unix(), 10)
}

func (v *view) appleCollapseID() string {
	if v.t.config.Improvements.CollapsePerMessage || len(v.topic) > maxAppleCollapseID {
		return v.identity()
	}
	return v.topic
}

// apsMore are the members of aps that the SDK does not know, or not wholly.
func (v *view) apsMore() map[string]any {
	more := map[string]any{"interruption-level": "time-sensitive"}
	switch {
	case isRinging(&v.t.Payload):
		more["interruption-level"] = "critical"
	case v.t.What == push.ActRead:
		more["interruption-level"] = "passive"
	}
	if v.t.config.APNS.Enabled && !v.silent {
		more["alert"] = v.alert()
	}
	return more
}

func (v *view) alert() *apsAlert {
	s, what := &v.t.config.APNS, v.t.What
	return &apsAlert{
		Title:           s.text(what, func(n *Notice) string { return n.Title }),
		Subtitle:        s.text(what, func(n *Notice) string { return n.Subtitle }),
		Body:            v.body(s),
		TitleLocKey:     s.text(what, func(n *Notice) string { return n.TitleLocKey }),
		LocKey:          s.text(what, func(n *Notice) string { return n.LocKey }),
		Action:          s.text(what, func(n *Notice) string { return n.Action }),
		ActionLocKey:    s.text(what, func(n *Notice) string { return n.ActionLocKey }),
		LaunchImage:     s.text(what, func(n *Notice) string { return n.LaunchImage }),
		SummaryArg:      s.text(what, func(n *Notice) string { return n.SummaryArg }),
		SummaryArgCount: cmp.Or(s.override(what).SummaryArgCount, s.SummaryArgCount),
	}
}
