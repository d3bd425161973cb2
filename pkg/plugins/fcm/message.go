package fcm

import (
	"errors"
	"strings"
	"sync"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

// maxPayload and maxTopicPayload are FCM's limits, in bytes of keys and values.
const (
	maxPayload      = 4096
	maxTopicPayload = 2048
)

// errChannelName says that a receipt's channel cannot be told.
var errChannelName = push.Permanent(errors.New("channel has a name that FCM takes for no topic: want at most 128 letters, digits and any of -_.~%"))

// template makes the messages of one receipt. What is the same for many targets
// is made once and shared: its messages are to be read, never written. Many may ask
// for a message at once.
type template struct {
	mu          sync.Mutex // held by Device
	notice      *notice.Template
	config      *Config
	channelName string
}

// view has the sections for those who see a view. They are made when a device of
// their platform asks for them.
type view struct {
	*notice.View
	config *Config

	android *messaging.AndroidConfig
	webpush *messaging.WebpushConfig
	apns    *messaging.APNSConfig // the last one, and its badge
	badge   int
	headers map[string]string
	aps     map[string]any
}

// newTemplate prepares the messages of r as they are to be at now; nil when there are
// none.
func newTemplate(c *Config, r *push.Receipt, now time.Time) (*template, error) {
	t, err := notice.Prepare(&c.Settings, r, now, notice.Limits{Device: maxPayload, Channel: maxTopicPayload})
	if t == nil || err != nil {
		return nil, err //nolint:wrapcheck // it is the outcome
	}
	return &template{notice: t, config: c, channelName: r.Channel}, nil
}

// Device implements [fanout.Renderer].
func (t *template) Device(d push.Device, to push.Recipient) *messaging.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.view(t.notice.For(d.User, to))
	m := &messaging.Message{Token: d.Token, Data: v.Data}
	switch platformOf(d.Platform) {
	case android:
		m.Android = v.androidConfig()
	case ios:
		m.APNS = v.apnsConfig(t.badge(to.Unread))
	case web:
		m.Webpush = v.webpushConfig()
	case otherPlatform, platforms: // data is all that can be said
		v.bound(m)
	}
	return m
}

// Channel implements [fanout.Renderer].
func (t *template) Channel() (*messaging.Message, bool, error) {
	if t.channelName == "" {
		return nil, false, nil
	}
	if !isTopicName(t.channelName) {
		return nil, false, errChannelName
	}
	v := t.view(t.notice.ForChannel(t.channelName))
	m := &messaging.Message{
		Topic: t.channelName, Data: v.Data,
		Android: v.androidConfig(), APNS: v.apnsConfig(noBadge),
	}
	v.bound(m)
	return m, true, nil
}

// Silent implements [fanout.Renderer].
func (t *template) Silent() bool { return t.notice.IsSilent() }

func (t *template) view(seen *notice.View) *view {
	if v, ok := seen.Made.(*view); ok {
		return v
	}
	v := &view{View: seen, config: t.config}
	seen.Made = v
	return v
}

func (t *template) badge(unread int) int {
	if badge, set := t.notice.Badge(unread); set {
		return badge
	}
	return noBadge
}

// bound tells the platforms that m has no section for how long it is to be kept, if
// the publisher said so; their own default is weeks.
func (v *view) bound(m *messaging.Message) {
	if !v.Mortal {
		return
	}
	if m.Android == nil {
		m.Android = &messaging.AndroidConfig{TTL: &v.Left}
	}
	if m.APNS == nil {
		m.APNS = &messaging.APNSConfig{Headers: map[string]string{"apns-expiration": v.appleExpiry(v.Left)}}
	}
	m.Webpush = &messaging.WebpushConfig{Headers: map[string]string{"TTL": v.webTTL()}}
}

// maxTopicName is the most bytes that FCM takes for a topic.
const maxTopicName = 128

// isTopicName reports whether FCM takes s as the name of a topic, and a chat
// server may have given it.
func isTopicName(s string) bool {
	const chars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%"
	return s != "" && len(s) <= maxTopicName && strings.Trim(s, chars) == ""
}
