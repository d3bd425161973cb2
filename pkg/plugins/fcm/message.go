package fcm

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
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

// message is what one target gets: what many share, and what goes into its holes.
type message struct {
	*rendered
	token string
	badge int // noBadge leaves it as it is
}

// rendered is a message in JSON but for its token and badge. Many requests read it at
// once, and nobody writes to it.
type rendered struct {
	text    []byte // without the end of the object
	topic   string // is in text
	badgeAt int    // in text; 0 if the message shows none
}

// noBadge leaves the badge of the app as it is.
const noBadge = -1

// appendTo appends the message as an object.
func (m *message) appendTo(b []byte) []byte {
	w := jsonbody.Writer(append(b, m.text[:m.badgeAt]...))
	if m.badgeAt > 0 && m.badge != noBadge {
		w.Int("badge", m.badge)
	}
	w = append(w, m.text[m.badgeAt:]...)
	w.NonEmpty("token", m.token)
	w.End()
	return w
}

// template makes the messages of one receipt. What is the same for many targets is
// rendered once. Many may ask for a message at once.
type template struct {
	mu          sync.Mutex // held by Device
	notice      *notice.Template
	config      *Config
	channelName string
}

// view writes the sections of a message for those who see a view.
type view struct {
	*notice.View
	jsonbody.Writer
	config  *Config
	badgeAt int
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
func (t *template) Device(d push.Device, to push.Recipient) message {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := message{rendered: t.device(t.notice.For(d.User, to), platformOf(d.Platform)), token: d.Token, badge: noBadge}
	if badge, set := t.notice.Badge(to.Unread); set {
		m.badge = badge
	}
	return m
}

// device is what all devices of a platform share that see a view.
func (t *template) device(seen *notice.View, p platform) *rendered {
	made, ok := seen.Made.(*[platforms]*rendered)
	if !ok {
		made = new([platforms]*rendered)
		seen.Made = made
	}
	if made[p] == nil {
		made[p] = t.render(seen, "", p)
	}
	return made[p]
}

// Channel implements [fanout.Renderer].
func (t *template) Channel() (message, bool, error) {
	if t.channelName == "" {
		return message{}, false, nil
	}
	if !isTopicName(t.channelName) {
		return message{}, false, errChannelName
	}
	made := t.render(t.notice.ForChannel(t.channelName), t.channelName, otherPlatform)
	return message{rendered: made, badge: noBadge}, true, nil
}

// Silent implements [fanout.Renderer].
func (t *template) Silent(_ message, to push.Recipient) bool {
	return t.notice.IsSilent() || to.Delivered > 0
}

// render writes a message for a platform, or for the subscribers of topic. A platform
// that it has no section for is told how long it is to be kept, if the publisher said
// so; their own default is weeks.
func (t *template) render(seen *notice.View, topic string, of platform) *rendered {
	v := &view{View: seen, config: t.config, Writer: make(jsonbody.Writer, 0, 1024)}
	v.Begin("")
	v.NonEmpty("topic", topic)
	v.Map("data", v.Data)
	for _, p := range []platform{android, web, ios} {
		switch {
		case p == of, topic != "" && p != web:
			v.section(p)
		case v.Mortal && of == otherPlatform:
			v.bound(p)
		}
	}
	return &rendered{text: v.Writer, topic: topic, badgeAt: v.badgeAt}
}

func (v *view) section(of platform) {
	switch of {
	case android:
		v.androidSection()
	case ios:
		v.apnsSection()
	case web:
		v.webpushSection()
	case otherPlatform, platforms: // data is all that can be said
	}
}

// bound writes a section that says how long the message is to be kept, and nothing
// else.
func (v *view) bound(of platform) {
	switch of {
	case android:
		v.Begin("android")
		v.String("ttl", seconds(v.Left)+"s")
	case ios:
		v.Begin("apns")
		v.Map("headers", map[string]string{"apns-expiration": v.appleExpiry(v.Left)})
	case web:
		v.Begin("webpush")
		v.Map("headers", map[string]string{"TTL": seconds(v.Left)})
	case otherPlatform, platforms:
		return
	}
	v.End()
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// maxTopicName is the most bytes that FCM takes for a topic.
const maxTopicName = 128

// isTopicName reports whether FCM takes s as the name of a topic, and a chat
// server may have given it.
func isTopicName(s string) bool {
	const chars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%"
	return s != "" && len(s) <= maxTopicName && strings.Trim(s, chars) == ""
}
