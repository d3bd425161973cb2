package notice

import (
	"errors"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/content"
	"github.com/pushworker/pushworker/pkg/push"
)

// ErrUnreadable is the outcome of a receipt whose content makes no sense, when that
// is not tolerated.
var ErrUnreadable = push.Permanent(errors.New(`message's content cannot be read; with "tolerate_content" it is sent without`))

// testText stands for the message's text in a test push.
const testText = "Test notification"

// Limits are how large a provider's pushes may be, in bytes of keys and values.
type Limits struct {
	Device, Channel int
}

// Template makes the notifications of one receipt. It makes once what is the same for
// many recipients, and shares it: callers read it and never write to it. A Template is
// for one goroutine at a time; whoever renders for several guards it with a lock.
type Template struct {
	push.Payload
	Settings *Settings
	// Test is the token of a test push; empty for others.
	Test string
	// Now is when the push is made. Left is the rest of its TTL then, in whole seconds.
	Now  time.Time
	Left time.Duration
	// Mortal says that the publisher has set an expiry. No provider may keep the push
	// longer.
	Mortal bool

	limits  Limits
	content content.Text
	a, b    push.Uid // the two users of a p2p topic, or zero
	shared  [4]*View // of all recipients, by manner
	own     *View    // of the last recipient of a p2p topic, and who that is
	ownKey  ownKey
}

type ownKey struct {
	user push.Uid
	Manner
}

// Prepare makes the template of r for the time now. It returns nil if r needs no
// notification. The error is [push.ErrExpired] or [ErrUnreadable].
func Prepare(s *Settings, r *push.Receipt, now time.Time, limits Limits) (*Template, error) {
	t := &Template{Settings: s, Payload: r.Payload, Test: r.TestToken(), Now: now, Mortal: !r.Expires().IsZero(), limits: limits}
	switch t.What {
	case push.ActMsg, push.ActSub, push.ActRead:
	case push.ActTest:
		if t.Test == "" {
			return nil, nil
		}
		t.content.Plain = testText
	default:
		return nil, nil
	}
	if t.Left = s.remaining(r, now); t.Left < 0 {
		return nil, push.ErrExpired
	}
	if t.What == push.ActMsg && !s.IDsOnly {
		var err error
		rules := content.Rules{Tolerate: s.Improvements.TolerateContent, WholeCharacters: s.Improvements.WholeCharacters}
		if t.content, err = content.Read(t.Content, t.ContentType, rules); err != nil && !rules.Tolerate {
			return nil, ErrUnreadable
		}
	}
	if s.Improvements.Shrink {
		t.boundIDs()
	}
	t.a, t.b, _ = push.ParseP2P(t.Topic)
	return t, nil
}

// remaining is the rest of r's TTL at now, in whole seconds. It is negative if r has
// expired. Without the improvement only the publisher's expiry shortens it.
func (s *Settings) remaining(r *push.Receipt, now time.Time) time.Duration {
	ttl, stale := s.TimeToLive, r.Expires()
	if s.Improvements.RemainingTTL {
		ttl = s.Lifetime(r)
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

// For is the notification for user.
func (t *Template) For(user push.Uid, to push.Recipient) *View {
	m := t.mannerFor(user, to.Delivered > 0)
	if peer := t.peer(user); !peer.IsZero() {
		if key := (ownKey{user, m}); t.own == nil || t.ownKey != key {
			t.own, t.ownKey = t.newView(peer.UserId(), m, true, t.limits.Device), key
		}
		return t.own
	}
	shared := &t.shared[m.index()]
	if *shared == nil {
		*shared = t.newView(t.Topic, m, true, t.limits.Device)
	}
	return *shared
}

// ForChannel is the notification for all subscribers of a channel. It does not say who
// wrote the message.
func (t *Template) ForChannel(name string) *View {
	return t.newView(name, Manner{t.IsSilent(), t.isQuiet()}, false, t.limits.Channel)
}

// Badge is the badge for an unread count; false means that the badge stays as it is.
func (t *Template) Badge(unread int) (int, bool) {
	if unread < 0 || unread == 0 && !t.Settings.Improvements.ClearBadge {
		return 0, false
	}
	return unread, true
}

// peer is the other user of a p2p topic, which is how user knows the topic. It is zero
// in other topics, and for anybody who is not one of the two users.
func (t *Template) peer(user push.Uid) push.Uid {
	switch user {
	case t.a:
		return t.b
	case t.b:
		return t.a
	}
	return 0
}
