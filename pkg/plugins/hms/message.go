package hms

import (
	"cmp"
	"hash/crc32"
	"strconv"
	"strings"
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

// background wakes the app and shows nothing.
func (t *template) background(data map[string]string, ttl int) *rendered {
	if !t.config.isV1 {
		return t.wake(backgroundType, data, ttl)
	}
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("message")
	w.String("data", object(data))
	w.Begin("android")
	w.String("urgency", "NORMAL")
	w.String("ttl", strconv.Itoa(ttl)+"s")
	w.End()
	return &rendered{text: append(w, `,"token":[`...)}
}

// wake is a message of v3 that has only data.
func (t *template) wake(kind string, data map[string]string, ttl int) *rendered {
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("payload")
	w.String("extraData", object(data))
	w.End()
	return t.endV3(&rendered{kind: kind, loud: kind == callType}, w, ttl)
}

func (t *template) endV3(r *rendered, w jsonbody.Writer, ttl int) *rendered {
	w.Begin("pushOptions")
	w.Int("ttl", ttl)
	w.True("testMessage", t.config.TestMessages)
	w.End()
	w.Begin("target")
	r.text = append(w, `"token":[`...)
	return r
}

// alertV3 must have a title, a text and what a click does.
func (t *template) alertV3(v *notice.View, a *alert, ttl int) *rendered {
	s := &t.config.Android
	title := cmp.Or(a.title, "New message")
	r := &rendered{kind: alertType, loud: true, badgeBegin: `"badge":{"setNum":`, badgeEnd: `},`}
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("payload")
	w.Begin("notification")
	r.badgeAt = len(w)
	w.String("category", t.config.Category)
	w.String("title", title)
	w.String("body", cmp.Or(a.body, title))
	w.NonEmpty("image", v.Image(s))
	w.NonEmpty("sound", v.More(s, func(n *notice.Notice) string { return n.Sound }))
	w.Int("notifyId", notifyID(v))
	w.Begin("clickAction")
	if action := s.Text(v.What, func(n *notice.Notice) string { return n.ClickAction }); action != "" {
		w.Int("actionType", 1)
		w.String("action", action)
	} else {
		w.Int("actionType", 0)
	}
	w.Map("data", v.Data)
	w.End()
	w.End()
	w.End()
	return t.endV3(r, w, ttl)
}

// alertV1 must have a sound, and what a click does.
func (t *template) alertV1(v *notice.View, a *alert, ttl int) *rendered {
	s := &t.config.Android
	r := &rendered{loud: true, badgeBegin: `"badge":{"set_num":`, badgeEnd: `,"class":` + string(quoted(nil, t.config.BadgeClass)) + `},`}
	w := make(jsonbody.Writer, 0, 1024)
	w.Begin("")
	w.Begin("message")
	w.String("data", object(v.Data))
	w.Begin("android")
	w.String("urgency", "HIGH")
	w.String("ttl", strconv.Itoa(ttl)+"s")
	w.String("category", t.config.Category)
	w.Begin("notification")
	if t.config.BadgeClass != "" {
		r.badgeAt = len(w)
	}
	w.Int("notify_id", notifyID(v))
	wordsV1(&w, v, s, a)
	w.Begin("click_action")
	if action := s.Text(v.What, func(n *notice.Notice) string { return n.ClickAction }); action != "" {
		w.Int("type", 1)
		w.String("action", action)
	} else {
		w.Int("type", 3)
	}
	w.End()
	w.End()
	w.End()
	r.text = append(w, `,"token":[`...)
	return r
}

// wordsV1 are what is seen and heard of a notification.
func wordsV1(w *jsonbody.Writer, v *notice.View, s *notice.Section, a *alert) {
	sound := v.More(s, func(n *notice.Notice) string { return n.Sound })
	w.NonEmpty("title", a.title)
	w.NonEmpty("body", a.body)
	w.NonEmpty("title_loc_key", a.titleKey)
	w.List("title_loc_args", v.Args(s, a.titleKey, func(n *notice.Notice) []string { return n.TitleLocArgs }))
	w.NonEmpty("body_loc_key", a.bodyKey)
	w.List("body_loc_args", v.Args(s, a.bodyKey, func(n *notice.Notice) []string { return n.BodyLocArgs }))
	w.NonEmpty("icon", s.Text(v.What, func(n *notice.Notice) string { return n.Icon }))
	w.NonEmpty("color", s.Text(v.What, (*notice.Notice).Colored))
	w.NonEmpty("channel_id", v.More(s, func(n *notice.Notice) string { return n.ChannelID }))
	w.NonEmpty("image", v.Image(s))
	w.String("visibility", strings.ToUpper(cmp.Or(v.More(s, func(n *notice.Notice) string { return n.Visibility }), "private")))
	w.NonEmpty("sound", sound)
	w.True("default_sound", sound == "")
}
