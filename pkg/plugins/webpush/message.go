package webpush

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// webPush says that a message is declarative (W3C Push API, "Declarative push message").
	webPush = 8030
	// structure is what a declarative message has beside the data and the texts that
	// package notice counts, but for the link and the default title.
	structure = 160
	// maxName is as long as a topic's name is in a message. It is in the tag and, escaped, in
	// the link.
	maxName = 128
	// maxTopic is the most that a Topic may have (RFC 8030, section 5.4).
	maxTopic = 24
)

// message is what one subscription gets. It is shared: read it only.
type message struct {
	text                []byte // not encrypted
	kind                string // its type
	ttl, urgency, topic string
}

const (
	kindData        = "application/octet-stream"
	kindDeclarative = "application/notification+json"
)

// declarative is a message that browsers show without a service worker.
type declarative struct {
	WebPush      int          `json:"web_push"`
	Notification notification `json:"notification"`
	AppBadge     *int         `json:"app_badge,omitempty"`
	// Mutable lets a service worker change what is shown.
	Mutable bool `json:"mutable"`
}

type notification struct {
	Title    string            `json:"title"`
	Navigate string            `json:"navigate"`
	Body     string            `json:"body,omitempty"`
	Tag      string            `json:"tag,omitempty"`
	Icon     string            `json:"icon,omitempty"`
	Image    string            `json:"image,omitempty"`
	Data     map[string]string `json:"data,omitempty"`
}

// template makes the messages of one receipt. Many may ask for one at once.
type template struct {
	mu     sync.Mutex // held by Device
	notice *notice.Template
	config *Config
	test   bool // it is a test push
}

// view keeps the last message that was made of a view, and its badge.
type view struct {
	last  *message
	badge int
	set   bool
}

// newTemplate prepares the messages of r as they are to be at now; nil when there are
// none.
func newTemplate(c *Config, r *push.Receipt, now time.Time) (*template, error) {
	limit := c.MaxBody - overhead - structure - len(c.URL) - 4*min(len(r.Payload.Topic), maxName)
	t, err := notice.Prepare(&c.Settings, r, now, notice.Limits{Device: limit})
	if t == nil || err != nil {
		return nil, err //nolint:wrapcheck // it is the outcome
	}
	return &template{notice: t, config: c, test: r.TestToken() != ""}, nil
}

// Device implements [fanout.Renderer].
func (t *template) Device(d push.Device, to push.Recipient) *message {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.notice.For(d.User, to)
	kept, _ := v.Made.(*view)
	if kept == nil {
		kept = &view{}
		v.Made = kept
	}
	badge, set := t.notice.Badge(to.Unread)
	if kept.last == nil || kept.badge != badge || kept.set != set {
		*kept = view{last: t.message(v, badge, set), badge: badge, set: set}
	}
	return kept.last
}

// Channel implements [fanout.Renderer]: Web Push knows none.
func (t *template) Channel() (*message, bool, error) { return nil, false, nil }

// Silent implements [fanout.Renderer].
func (t *template) Silent(m *message, to push.Recipient) bool {
	return m.kind == kindData && (t.notice.IsSilent() || to.Delivered > 0)
}

// notActivated is why a device gets no message yet.
const notActivated = "the endpoint is not activated: its app has not returned the token of a test push; let it register the device again, or use `pushworker device test`"

// Skip implements [fanout.Chooser]. A device that has to be activated gets test pushes only. Apple takes the permission from who sends a push that
// shows nothing.
func (t *template) Skip(d push.Device, to push.Recipient, _ []push.Device) string {
	if !t.test && !d.More().Activated && t.config.activates(d) {
		return notActivated
	}
	u, err := endpointOf(d)
	if err != nil || vendorOf(u.Hostname()) != apple {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.notice.For(d.User, to).Quiet {
		return ""
	}
	return "there is nothing to show, and Apple forbids a push that shows nothing"
}

func (t *template) message(v *notice.View, badge int, set bool) *message {
	m := &message{ttl: lifetime(v.Left), urgency: urgency(v)}
	if v.Settings.Improvements.CollapsePerMessage {
		sum := sha256.Sum256([]byte(v.Identity())) // the push server reads it
		m.topic = base64.RawURLEncoding.EncodeToString(sum[:])[:maxTopic]
	}
	if t.config.Format == formatData || v.Quiet {
		m.text, m.kind = marshal(v.Data), kindData
		return m
	}
	d := t.declare(v)
	if set && v.What != push.ActTest { // which says nothing of what is unread
		d.AppBadge = &badge
	}
	m.text, m.kind = marshal(d), kindDeclarative
	return m
}

// declare is the declarative message of a view.
func (t *template) declare(v *notice.View) *declarative {
	s, what := &v.Settings.Webpush, v.What
	d := &declarative{WebPush: webPush, Mutable: true, Notification: notification{
		Title:    s.Text(what, func(n *notice.Notice) string { return n.Title }),
		Navigate: t.config.link(v.Topic, v.SeqId),
		Body:     v.Body(s, ""),
		Tag:      v.Topic,
		Icon:     s.Text(what, func(n *notice.Notice) string { return n.Icon }),
		Image:    v.Image(s),
		Data:     v.Data,
	}}
	if d.Notification.Title == "" {
		d.Notification.Title = title(v)
	}
	if link := s.Text(what, func(n *notice.Notice) string { return n.ClickAction }); notice.IsLink(link) {
		d.Notification.Navigate = link
	}
	return d
}

// title is the first line when the config has none: browsers show no notification
// without one.
func title(v *notice.View) string {
	switch {
	case v.IsMissed():
		return "Missed call"
	case v.IsRinging():
		return "Incoming call"
	case v.What == push.ActSub:
		return "New invitation"
	case v.What == push.ActTest:
		return "Test push"
	}
	return "New message"
}

// urgency is when the browser shall be woken for it (RFC 8030, section 5.3): high also on
// a low battery, low only on power and Wi-Fi.
func urgency(v *notice.View) string {
	switch {
	case v.Quiet:
		return "low"
	case v.IsRinging():
		return "high"
	}
	return "normal"
}

// marshal is v as JSON, without escapes for HTML.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // texts can be encoded
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
