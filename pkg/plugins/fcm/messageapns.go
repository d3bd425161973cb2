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
	Title           string   `json:"title,omitempty"`
	Subtitle        string   `json:"subtitle,omitempty"`
	Body            string   `json:"body,omitempty"`
	TitleLocKey     string   `json:"title-loc-key,omitempty"`
	TitleLocArgs    []string `json:"title-loc-args,omitempty"`
	LocKey          string   `json:"loc-key,omitempty"`
	LocArgs         []string `json:"loc-args,omitempty"`
	Action          string   `json:"action,omitempty"`
	ActionLocKey    string   `json:"action-loc-key,omitempty"`
	LaunchImage     string   `json:"launch-image,omitempty"`
	SummaryArg      string   `json:"summary-arg,omitempty"`
	SummaryArgCount int      `json:"summary-arg-count,omitempty"`
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
	if v.quiet && v.apns != nil {
		return v.apns
	}
	if v.headers == nil {
		v.headers = v.apnsHeaders()
	}
	parts := &apnsParts{badge: badge}
	parts.payload.Aps = &parts.aps
	parts.config = messaging.APNSConfig{Headers: v.headers, Payload: &parts.payload}
	if v.quiet { // Apple may refuse, delay or drop a background push that has more
		parts.aps = messaging.Aps{ContentAvailable: true}
	} else {
		v.fillAps(parts)
	}
	v.apns, v.badge = &parts.config, badge
	return v.apns
}

// fillAps is the section of a push that is news.
func (v *view) fillAps(parts *apnsParts) {
	s := &v.t.config.APNS
	if v.aps == nil {
		v.aps = v.apsMore()
	}
	parts.aps = messaging.Aps{
		ContentAvailable: true, MutableContent: true, ThreadID: v.topic, CustomData: v.aps,
		Sound:    cmp.Or(v.more(s, func(n *Notice) string { return n.Sound }), "default"),
		Category: v.more(s, func(n *Notice) string { return cmp.Or(n.Category, n.ClickAction) }),
	}
	if parts.badge != noBadge {
		parts.aps.Badge = &parts.badge
	}
	if image := v.image(s); image != "" {
		parts.config.FCMOptions = &messaging.APNSFCMOptions{ImageURL: image}
	}
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
	if v.quiet || v.t.What == push.ActRead {
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
	if v.drawsAlert() {
		if alert := v.alert(); alert != nil {
			more["alert"] = alert
		}
	}
	return more
}

// drawsAlert reports whether the system shows the push. A call that was missed is
// silent to apps of the original and news to people.
func (v *view) drawsAlert() bool {
	missed := v.t.config.Improvements.Quiet && isMissed(&v.t.Payload)
	return v.t.config.APNS.Enabled && (!v.silent || missed)
}

// alert is what the system shows; nil if there is nothing to read on it.
func (v *view) alert() *apsAlert {
	s, what := &v.t.config.APNS, v.t.What
	a := &apsAlert{
		Title:           s.text(what, func(n *Notice) string { return n.Title }),
		Subtitle:        s.text(what, func(n *Notice) string { return n.Subtitle }),
		TitleLocKey:     s.text(what, func(n *Notice) string { return n.TitleLocKey }),
		LocKey:          s.text(what, func(n *Notice) string { return n.LocKey }),
		Action:          s.text(what, func(n *Notice) string { return n.Action }),
		ActionLocKey:    s.text(what, func(n *Notice) string { return n.ActionLocKey }),
		LaunchImage:     s.text(what, func(n *Notice) string { return n.LaunchImage }),
		SummaryArg:      s.text(what, func(n *Notice) string { return n.SummaryArg }),
		SummaryArgCount: cmp.Or(s.override(what).SummaryArgCount, s.SummaryArgCount),
	}
	a.LocKey = cmp.Or(a.LocKey, v.more(s, func(n *Notice) string { return n.BodyLocKey }))
	a.Body = v.body(s, a.LocKey)
	a.TitleLocArgs = v.args(s, a.TitleLocKey, func(n *Notice) []string { return n.TitleLocArgs })
	a.LocArgs = v.args(s, a.LocKey, func(n *Notice) []string { return n.LocArgs })
	if a.LocArgs == nil {
		a.LocArgs = v.args(s, a.LocKey, func(n *Notice) []string { return n.BodyLocArgs })
	}
	if v.wordless(s, a.Title+a.TitleLocKey+a.Subtitle+a.Body+a.LocKey) {
		return nil
	}
	return a
}
