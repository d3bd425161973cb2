package apns

import (
	"cmp"
	"strconv"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jsonbody"
	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxPayload is how large Apple lets a push be; those of calls may have 5,120 bytes,
	// and need far less.
	maxPayload = 4096
	// maxCollapseID is in bytes.
	maxCollapseID = 64
)

// template makes the pushes of one receipt. Many may ask for one at once.
type template struct {
	config  *Config
	receipt string     // names the receipt
	at      time.Time  // when it was published
	mu      sync.Mutex // guards what is below
	notice  *notice.Template
}

// newTemplate prepares the pushes of r as they are to be at now; nil when there are none.
func newTemplate(c *Config, r *push.Receipt, now time.Time) (*template, error) {
	t, err := notice.Prepare(&c.Settings, r, now, notice.Limits{Device: maxPayload - len(c.APS)})
	if t == nil || err != nil {
		return nil, err //nolint:wrapcheck // it is the outcome
	}
	return &template{notice: t, config: c, receipt: receiptID(r), at: publishedAt(r)}, nil
}

// Device implements [fanout.Renderer].
func (t *template) Device(d push.Device, to push.Recipient) *message {
	t.mu.Lock()
	defer t.mu.Unlock()
	view := t.notice.For(d.User, to)
	made, ok := view.Made.(*rendered)
	if !ok {
		made = render(t.config, view)
		view.Made = made
	}
	m := &message{rendered: made, token: d.Token, topic: cmp.Or(d.More().App, t.config.Topic), id: messageID(t.receipt, d), published: t.at}
	switch badge, set := t.notice.Badge(to.Unread); {
	case d.More().Kind == kindVoIP:
		m.voip, m.topic = true, m.topic+".voip"
	case set && made.kind == "":
		m.badge = strconv.Itoa(badge)
	}
	return m
}

// Channel implements [fanout.Renderer]: Apple has no topics for chats.
func (t *template) Channel() (*message, bool, error) { return nil, false, nil }

// Silent implements [fanout.Renderer].
func (t *template) Silent(m *message, _ push.Recipient) bool { return !m.loud && !m.voip }

// Skip implements [fanout.Chooser]. An app must show a call for each push to a token for
// calls, or iOS ends it; so these get nothing but a call that rings, and then it rings
// there alone.
func (t *template) Skip(d push.Device, _ push.Recipient, all []push.Device) (why string) {
	rings := t.notice.RingsFor(d.User)
	if d.More().Kind == kindVoIP {
		if !rings {
			return "a token for calls gets calls that ring, and nothing else"
		}
		return ""
	}
	for _, other := range all {
		if rings && other.ID == d.ID && other.More().Kind == kindVoIP && other.More().App == d.More().App && t.config.reaches(other) {
			return "the call rings by the device's token for calls"
		}
	}
	return ""
}

// rendered is what all who see a view get alike.
type rendered struct {
	kind       string // the push type, if the config says it
	loud       bool
	expiration string
	collapse   string
	aps        []byte // without the badge and what is before it
	data       []byte // the rest of the payload
}

func render(c *Config, v *notice.View) *rendered {
	left := max(v.Left, time.Second)
	if v.IsRinging() {
		left = min(left, c.RingTime) // without remaining_ttl, too
	}
	r := &rendered{
		expiration: strconv.FormatInt(v.Now.Add(left).Unix(), 10),
		collapse:   v.Identity(),
	}
	if !v.Settings.Improvements.CollapsePerMessage && len(v.Topic) <= maxCollapseID {
		r.collapse = v.Topic
	}
	data, aps := make(jsonbody.Writer, 0, 1024), make(jsonbody.Writer, 0, 512)
	data.Map("", v.Data)
	if c.PushType != "" {
		r.kind, r.aps, r.data = c.PushType, append(aps, cmp.Or(string(c.APS), "{}")...), data
		return r
	}
	aps.Begin("")
	if alert := alertOf(v); alert != nil {
		r.loud = true
		writeLoud(&aps, v, alert)
	} else {
		aps.Int("content-available", 1)
	}
	aps.End()
	r.aps, r.data = aps, data
	return r
}

// alertOf is what the system shows; nil if nothing. The data of all calls say silent, as
// Tinode's do; people want to see one that rings, or that they have missed.
func alertOf(v *notice.View) *notice.Alert {
	call := v.IsRinging() || v.IsMissed()
	if !v.Settings.APNS.Enabled || v.Quiet || v.Silent && !call || v.What == push.ActRead {
		return nil
	}
	alert := v.Alert()
	if alert == nil && call {
		alert = &notice.Alert{Body: "[CALL]"}
	}
	return alert
}

// writeLoud writes what Apple's system reads of a push that people see, but for the badge.
func writeLoud(w *jsonbody.Writer, v *notice.View, alert *notice.Alert) {
	s := &v.Settings.APNS
	alert.Write(w, "alert")
	w.String("sound", cmp.Or(v.More(s, func(n *notice.Notice) string { return n.Sound }), "default"))
	w.NonEmpty("thread-id", v.Topic)
	w.NonEmpty("category", v.More(s, func(n *notice.Notice) string { return cmp.Or(n.Category, n.ClickAction) }))
	if v.IsRinging() {
		w.String("interruption-level", "time-sensitive")
	}
	w.Int("mutable-content", 1)
}

// message is the push for one device.
type message struct {
	*rendered
	token, topic, id string
	badge            string // empty leaves it as it is
	voip             bool
	published        time.Time
}

// publishedAt is when r was published, the same in every attempt.
func publishedAt(r *push.Receipt) time.Time {
	if at := r.Delivery().Published; !at.IsZero() {
		return at
	}
	return r.Payload.Timestamp
}

// kindBackground is the type of a push that only wakes the app.
const kindBackground = "background"

// Append implements [line.Request].
func (m *message) Append(b []byte) []byte {
	b = append(b, `{"aps":{`...)
	switch {
	case m.voip:
		b = append(b, '}')
	case m.badge != "":
		b = append(append(append(b, `"badge":`...), m.badge...), ',')
		fallthrough
	default:
		b = append(b, m.aps[1:]...)
	}
	return append(append(b, ','), m.data[1:]...)
}

// manner is the push's type and its priority. A push that clears the badge and shows
// nothing is an alert for Apple; one that wakes the app alone is not, and has priority 5.
func (m *message) manner() (kind, priority string) {
	switch {
	case m.kind != "":
		return m.kind, "10"
	case m.voip:
		return "voip", "10"
	case m.loud:
		return "alert", "10"
	case m.badge != "":
		return "alert", "5"
	}
	return kindBackground, "5"
}
