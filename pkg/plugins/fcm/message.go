package fcm

import (
	"errors"
	"sync"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/content"
	"github.com/pushworker/pushworker/pkg/push"
)

// skipReason says why a receipt makes no messages; zero when it does.
type skipReason uint8

const (
	// unknownAction is a [push.Payload.What] that has no messages.
	unknownAction skipReason = iota + 1
	// expired is a receipt that is older than its TTL.
	expired
	// unreadable is a content that makes no sense, when that is not tolerated.
	unreadable
)

// String is a short code for logs.
func (r skipReason) String() string {
	switch r {
	case unknownAction:
		return "unknown-action"
	case expired:
		return "expired"
	case unreadable:
		return "unreadable-content"
	}
	return ""
}

// errChannelName says that a receipt's channel cannot be told.
var errChannelName = push.Permanent(errors.New("channel has a name that FCM takes for no topic: want at most 128 letters, digits and any of -_.~%"))

// template makes the messages of one receipt. What is the same for many targets
// is made once and shared: its messages are to be read, never written. Many may ask
// for a message at once.
type template struct {
	mu     sync.Mutex // held by message
	config *Config
	push.Payload
	channelName string
	content     content.Text
	now         time.Time
	ttl         time.Duration // what is left
	mortal      bool          // its publisher said when it goes stale: no provider keeps it longer

	a, b   push.Uid // the two users of a p2p topic, or zero
	shared [4]*view // of all recipients, by manner
	own    *view    // of the last recipient of a p2p topic, and who that is
	ownKey ownKey
}

type ownKey struct {
	user push.Uid
	manner
}

// newTemplate prepares the messages of r as they are to be at now.
func newTemplate(c *Config, r *push.Receipt, now time.Time) (*template, skipReason) {
	t := &template{config: c, Payload: r.Payload, channelName: r.Channel, now: now, mortal: !r.Expires().IsZero()}
	switch t.What {
	case push.ActMsg, push.ActSub, push.ActRead:
	default:
		return nil, unknownAction
	}
	if t.ttl = c.remaining(r, now); t.ttl < 0 {
		return nil, expired
	}
	if t.What == push.ActMsg && !c.IDsOnly {
		var err error
		if t.content, err = content.Read(t.Content, t.ContentType, c.Improvements.content()); err != nil && !c.Improvements.TolerateContent {
			return nil, unreadable
		}
	}
	if c.Improvements.Shrink {
		t.boundIDs()
	}
	t.a, t.b, _ = push.ParseP2P(t.Topic)
	return t, 0
}

// remaining is what is left at now of r's life, in whole seconds; negative when r
// has expired. Without the improvement only what the publisher said shortens it.
func (c *Config) remaining(r *push.Receipt, now time.Time) time.Duration {
	ttl, stale := c.TimeToLive, r.Expires()
	if c.Improvements.RemainingTTL {
		ttl = c.ttl(r)
		stale = r.Stale(ttl)
	}
	if !stale.IsZero() {
		left := stale.Sub(now)
		if left <= 0 {
			return -1
		}
		ttl = min(ttl, left) // less if the chat server's clock is ahead
	}
	return ttl.Truncate(time.Second)
}

// message is what one device of user is sent.
func (t *template) message(user push.Uid, to push.Recipient, p platform, token string) *messaging.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.view(user, t.mannerFor(user, to.Delivered > 0))
	m := &messaging.Message{Token: token, Data: v.data}
	switch p {
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

// Device implements [fanout.Renderer].
func (t *template) Device(d push.Device, to push.Recipient) *messaging.Message {
	return t.message(d.User, to, platformOf(d.Platform), d.Token)
}

// Channel implements [fanout.Renderer].
func (t *template) Channel() (*messaging.Message, bool, error) {
	m, err := t.channel()
	return m, m != nil, err
}

// Silent implements [fanout.Renderer].
func (t *template) Silent() bool { return t.isSilent() }

// channel is the one message for all subscribers of the receipt's channel; nil if
// it has none. They do not learn who wrote it.
func (t *template) channel() (*messaging.Message, error) {
	if t.channelName == "" {
		return nil, nil
	}
	if !isTopicName(t.channelName) {
		return nil, errChannelName
	}
	v := t.newView(t.channelName, manner{t.isSilent(), t.isQuiet()}, false)
	v.fit(maxTopicPayload)
	m := &messaging.Message{
		Topic: t.channelName, Data: v.data,
		Android: v.androidConfig(), APNS: v.apnsConfig(noBadge),
	}
	v.bound(m)
	return m, nil
}

// bound tells the platforms that m has no section for how long it is to be kept, if
// the publisher said so; their own default is weeks.
func (v *view) bound(m *messaging.Message) {
	if !v.t.mortal {
		return
	}
	if m.Android == nil {
		m.Android = &messaging.AndroidConfig{TTL: &v.t.ttl}
	}
	if m.APNS == nil {
		m.APNS = &messaging.APNSConfig{Headers: map[string]string{"apns-expiration": v.appleExpiry(v.t.ttl)}}
	}
	m.Webpush = &messaging.WebpushConfig{Headers: map[string]string{"TTL": v.webTTL()}}
}

// view is what user sees of the receipt.
func (t *template) view(user push.Uid, m manner) *view {
	if peer := t.peer(user); !peer.IsZero() {
		if key := (ownKey{user, m}); t.own == nil || t.ownKey != key {
			t.own, t.ownKey = t.newView(peer.UserId(), m, true), key
			t.own.fit(maxPayload)
		}
		return t.own
	}
	shared := &t.shared[m.index()]
	if *shared == nil {
		*shared = t.newView(t.Topic, m, true)
		(*shared).fit(maxPayload)
	}
	return *shared
}

// peer is whom user talks to in a p2p topic: the name of the topic for user. It is
// zero in other topics, and for who is not one of the two.
func (t *template) peer(user push.Uid) push.Uid {
	switch user {
	case t.a:
		return t.b
	case t.b:
		return t.a
	}
	return 0
}

// isTopicName reports whether FCM takes s as the name of a topic, and a chat
// server may have given it.
func isTopicName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isBase64URL(s[i:i+1]) && c != '.' && c != '~' && c != '%' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}
