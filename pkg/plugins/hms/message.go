package hms

import (
	"hash/crc32"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxBody is how large Huawei lets a body be, without the tokens.
	maxBody = 4096
	// badgeRoom is what a badge needs in it.
	badgeRoom = 200
	// maxTTL is 15 days.
	maxTTL = 15 * 24 * time.Hour
	// maxBadge is the most that devices show.
	maxBadge = 99
	// noBadge leaves the badge of the app as it is.
	noBadge = -1
)

// The push types of v3 ("Request Body Structure").
const (
	alertType      = "0"
	backgroundType = "6"
	callType       = "10"
)

// message is the push for one device, but for its token. Equal ones share a request.
type message struct {
	*rendered
	badge int
}

// rendered is what all who see a view get alike: a body as far as the tokens. Many requests
// read it at once, and nobody writes to it.
type rendered struct {
	kind                 string // the push type; empty of v1
	loud                 bool   // people see or hear it
	text                 []byte
	badgeAt              int // in text; 0 if the message shows none
	badgeBegin, badgeEnd string
}

// template makes the messages of one receipt. Many may ask for one at once.
type template struct {
	config  *Config
	receipt *push.Receipt
	now     time.Time
	mu      sync.Mutex // guards what is below
	limit   int
	notice  *notice.Template
}

// newTemplate prepares the messages of r as they are to be at now; nil when there are none.
func newTemplate(c *Config, r *push.Receipt, now time.Time) (*template, error) {
	t := &template{config: c, receipt: r, now: now, limit: maxBody}
	var err error
	t.notice, err = notice.Prepare(&c.Settings, r, now, notice.Limits{Device: t.limit})
	if t.notice == nil || err != nil {
		return nil, err //nolint:wrapcheck // it is the outcome
	}
	return t, nil
}

// Device implements [fanout.Renderer].
func (t *template) Device(d push.Device, to push.Recipient) message {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := message{rendered: t.fitting(d.User, to), badge: noBadge}
	if badge, set := t.notice.Badge(to.Unread); set && m.badgeAt > 0 {
		m.badge = min(badge, maxBadge)
	}
	return m
}

// Channel implements [fanout.Renderer]: Huawei's topics are none of chats.
func (t *template) Channel() (message, bool, error) { return message{}, false, nil }

// Silent implements [fanout.Renderer].
func (t *template) Silent(m message, _ push.Recipient) bool { return !m.loud }

// fitting renders what user sees. In a string with JSON, signs need more bytes than notice
// reckons with: by what is over the body has to become smaller once more.
func (t *template) fitting(user push.Uid, to push.Recipient) *rendered {
	for {
		view := t.notice.For(user, to)
		made, ok := view.Made.(*rendered)
		if !ok {
			made = t.render(view, user)
			view.Made = made
		}
		over := len(made.text) + badgeRoom - maxBody
		smaller, err := t.smaller(over)
		if smaller == nil || err != nil {
			return made
		}
		t.notice = smaller
	}
}

// smaller prepares the receipt for fewer bytes; nil when that is not needed, or in vain.
func (t *template) smaller(over int) (*notice.Template, error) {
	if over <= 0 || t.limit <= 0 || !t.config.Improvements.Shrink {
		return nil, nil //nolint:nilnil // as it says
	}
	t.limit -= max(over, 128)
	return notice.Prepare(&t.config.Settings, t.receipt, t.now, notice.Limits{Device: t.limit}) //nolint:wrapcheck // nobody sees it
}

func (t *template) render(v *notice.View, user push.Uid) *rendered {
	ttl := max(1, int(min(v.Left, maxTTL)/time.Second))
	if !t.config.isV1 && !t.config.CallAlerts && v.RingsFor(user) && !v.Quiet {
		return t.wake(callType, v.Data, ttl)
	}
	a := t.alert(v)
	switch {
	case a == nil:
		return t.background(v.Data, ttl)
	case t.config.isV1:
		return t.alertV1(v, a, ttl)
	}
	return t.alertV3(v, a, ttl)
}

// alert is the words that the system shows.
type alert struct{ title, titleKey, body, bodyKey string }

// alert is nil if the system shows nothing. The data of all calls say silent, as Tinode's
// do; people want to see one that rings, or that they have missed.
func (t *template) alert(v *notice.View) *alert {
	s, call := &t.config.Android, v.IsRinging() || v.IsMissed()
	if !s.Enabled || v.Quiet || v.Silent && !call || v.What == push.ActRead {
		return nil
	}
	a := &alert{title: s.Text(v.What, func(n *notice.Notice) string { return n.Title })}
	if t.config.isV1 { // v3 has no translated texts
		a.titleKey = s.Text(v.What, func(n *notice.Notice) string { return n.TitleLocKey })
		a.bodyKey = s.Text(v.What, func(n *notice.Notice) string { return n.BodyLocKey })
	}
	a.body = v.Body(s, a.bodyKey)
	if call && a.body == "" && a.bodyKey == "" {
		a.body = "[CALL]"
	}
	words := a.title + a.titleKey + a.body + a.bodyKey
	if words == "" || v.Wordless(s, words) {
		return nil
	}
	return a
}

// notifyID is the number of a notification: another with the same replaces it.
func notifyID(v *notice.View) int {
	id := v.Identity()
	if !v.Settings.Improvements.CollapsePerMessage {
		id = v.Topic
	}
	return int(crc32.ChecksumIEEE([]byte(id)) &^ (1 << 31))
}

// object is data as JSON in a string.
func object(data map[string]string) string {
	var w jsonbody.Writer
	w.Map("", data)
	return string(w)
}
