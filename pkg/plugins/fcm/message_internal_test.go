package fcm

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/notice"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	alice push.Uid = 0x0123456789abcdef
	bob   push.Uid = 0xfedcba9876543210
	carol push.Uid = 0x7a6b5c4d3e2f1001
)

var sentAt = time.Date(2026, 7, 4, 14, 22, 17, 250_000_000, time.UTC)

// receipt is a message to bob in a group; edit changes it.
func receipt(edit ...func(r *push.Receipt)) *push.Receipt {
	r := &push.Receipt{
		To: map[push.Uid]push.Recipient{bob: {Unread: 3}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpnG99YhENiQU", Timestamp: sentAt, From: alice.UserId(), SeqId: 42,
			Content: json.RawMessage(`"Hello, world"`),
		},
	}
	for _, f := range edit {
		f(r)
	}
	return r
}

// messageTo is what a device of bob's gets a second after r was sent.
func messageTo(tb testing.TB, c *Config, r *push.Receipt, p platform) *messaging.Message {
	tb.Helper()
	tmpl, err := newTemplate(c, r, sentAt.Add(time.Second))
	if err != nil {
		tb.Fatal("skipped:", err)
	}
	return tmpl.message(bob, r.To[bob], p, "tok")
}

func TestTopicIsThePeer(t *testing.T) {
	t.Parallel()
	p2p := push.P2PTopic(alice, bob)
	for _, tt := range []struct {
		topic string
		user  push.Uid
		want  string
	}{
		{p2p, alice, bob.UserId()},
		{p2p, bob, alice.UserId()},
		{p2p, carol, p2p}, // not hers
		{p2p, 0, p2p},
		{"grpnG99YhENiQU", bob, "grpnG99YhENiQU"},
		{"usr782riWdFIwE", bob, "usr782riWdFIwE"},
		{"", bob, ""},
		{"p", bob, "p"},
		{"p2", bob, "p2"},
		{"p2p", bob, "p2p"},
		{"p2pshort", bob, "p2pshort"},
		{"p2p!!!!!!!!!!!!!!!!!!!!!!", bob, "p2p!!!!!!!!!!!!!!!!!!!!!!"},
		{"sys", bob, "sys"},
		{"новая тема", bob, "новая тема"},
	} {
		r := receipt(func(r *push.Receipt) { r.Payload.Topic = tt.topic })
		tmpl, err := newTemplate(configWith(t), r, sentAt)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []platform{android, ios, web, otherPlatform} {
			if got := tmpl.message(tt.user, push.Recipient{}, p, "tok").Data["topic"]; got != tt.want {
				t.Errorf("topic %q for %v: got %q, want %q", tt.topic, tt.user, got, tt.want)
			}
		}
	}
}

// TestPartsAreShared asks for what a receipt to many costs: what is alike is rendered
// once, and has nothing of others.
func TestPartsAreShared(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"android":{"enabled":true}`)
	tmpl, _ := newTemplate(c, receipt(), sentAt)
	one := tmpl.message(alice, push.Recipient{Unread: 1}, ios, "a")
	silent := tmpl.message(alice, push.Recipient{Unread: 1, Delivered: 1}, ios, "a")
	two := tmpl.message(bob, push.Recipient{Unread: 2}, ios, "b")
	droid := tmpl.message(bob, push.Recipient{}, android, "d")
	shared := func(user push.Uid, p platform) *rendered {
		return tmpl.Device(push.Device{User: user, Platform: p.String()}, push.Recipient{Unread: int(user % 7)}).rendered
	}
	switch {
	case *one.APNS.Payload.Aps.Badge != 1 || *two.APNS.Payload.Aps.Badge != 2:
		t.Error("badges are mixed up")
	case one.Data["silent"] != "" || silent.Data["silent"] != "true":
		t.Error("silence is mixed up")
	case one.Token != "a" || two.Token != "b":
		t.Error("tokens are mixed up")
	case shared(bob, ios) != shared(carol, ios):
		t.Error("equal messages for Apple are rendered twice")
	case shared(bob, android) != shared(carol, android):
		t.Error("equal messages for Android are rendered twice")
	case one.Android != nil || droid.APNS != nil || one.Webpush != nil:
		t.Error("a message has sections of other platforms")
	}
}

func TestSkipped(t *testing.T) {
	t.Parallel()
	nothing := errors.New("nothing to send")
	ring := func(r *push.Receipt) { r.Payload.Webrtc = "started" }
	after := func(d time.Duration) time.Time { return sentAt.Add(d) }
	for name, tt := range map[string]struct {
		config  string
		receipt *push.Receipt
		now     time.Time
		want    error
	}{
		"fresh":               {`"dry_run":false`, receipt(), sentAt, nil},
		"unknown action":      {`"dry_run":false`, receipt(func(r *push.Receipt) { r.Payload.What = "typing" }), sentAt, nothing},
		"no action":           {`"dry_run":false`, receipt(func(r *push.Receipt) { r.Payload.What = "" }), sentAt, nothing},
		"last moment":         {`"time_to_live":60`, receipt(), after(59 * time.Second), nil},
		"too old":             {`"time_to_live":60`, receipt(), after(60 * time.Second), push.ErrExpired},
		"too old, original":   {`"time_to_live":60,` + original, receipt(), after(time.Hour), nil},
		"no time":             {`"time_to_live":60`, receipt(func(r *push.Receipt) { r.Payload.Timestamp = time.Time{} }), after(time.Hour), nil},
		"ringing":             {`"dry_run":false`, receipt(ring), after(30*time.Second - time.Second), nil},
		"rung out":            {`"dry_run":false`, receipt(ring), after(30 * time.Second), push.ErrExpired},
		"call over":           {`"dry_run":false`, receipt(func(r *push.Receipt) { r.Payload.Webrtc = "missed" }), after(30 * time.Second), nil},
		"unreadable":          {`"dry_run":false`, receipt(func(r *push.Receipt) { r.Payload.Content = 5 }), sentAt, nil},
		"unreadable, dropped": {original, receipt(func(r *push.Receipt) { r.Payload.Content = 5 }), sentAt, notice.ErrUnreadable},
		"unreadable, unread":  {`"ids_only":true,` + original, receipt(func(r *push.Receipt) { r.Payload.Content = 5 }), sentAt, nil},
	} {
		tmpl, got := newTemplate(configWith(t, tt.config), tt.receipt, tt.now)
		if got == nil && tmpl == nil {
			got = nothing
		}
		if !errors.Is(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// TestPublisherSaysHowLong: no provider keeps a message longer than its publisher said,
// whatever the improvements say and the platform is.
func TestPublisherSaysHowLong(t *testing.T) {
	t.Parallel()
	now := sentAt.Add(time.Second) // messageTo's
	for name, config := range map[string]string{
		"as it is": `"webpush":{"enabled":true}`, "original": original, "long": `"time_to_live":2419200`, "no webpush": `"dry_run":true`,
	} {
		c := configWith(t, config)
		r := receipt(func(r *push.Receipt) {
			r.Channel = "chnnG99YhENiQU"
			r.Stamp(&push.Delivery{Published: sentAt, Expires: now.Add(60*time.Second + 500*time.Millisecond)})
		})
		end := strconv.FormatInt(now.Add(60*time.Second).Unix(), 10)
		channel := func() *messaging.Message {
			tmpl, _ := newTemplate(c, r, now)
			m, err := tmpl.channel()
			if err != nil {
				t.Fatal(err)
			}
			return m
		}()
		whole := []*messaging.Message{channel, messageTo(t, c, r, otherPlatform)}
		for _, m := range append(whole, messageTo(t, c, r, android)) {
			if m.Android == nil || *m.Android.TTL != 60*time.Second {
				t.Errorf("%s: Android has %+v, want a TTL of 60 s", name, m.Android)
			}
		}
		for _, m := range append(whole, messageTo(t, c, r, ios)) {
			if m.APNS == nil || m.APNS.Headers["apns-expiration"] != end {
				t.Errorf("%s: Apple has %+v, want to end at %s", name, m.APNS, end)
			}
		}
		for _, m := range append(whole, messageTo(t, c, r, web)) {
			if m.Webpush == nil || m.Webpush.Headers["TTL"] != "60" {
				t.Errorf("%s: web has %+v, want a TTL of 60 s", name, m.Webpush)
			}
		}
		if _, err := newTemplate(c, r, now.Add(61*time.Second)); !errors.Is(err, push.ErrExpired) {
			t.Errorf("%s: is sent after its publisher's time", name)
		}
	}
}

func TestRemainingTTL(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		ts     time.Time
		want   time.Duration
	}{
		"some is gone":      {`"time_to_live":600`, sentAt, 599 * time.Second},
		"down to seconds":   {`"time_to_live":600`, sentAt.Add(-time.Millisecond), 598 * time.Second},
		"no time":           {`"time_to_live":600`, time.Time{}, 600 * time.Second},
		"clock ahead":       {`"time_to_live":600`, sentAt.Add(time.Hour), 600 * time.Second},
		"far ahead":         {`"time_to_live":600`, sentAt.AddDate(400, 0, 0), 600 * time.Second},
		"default":           {`"dry_run":true`, sentAt, 3599 * time.Second},
		"four weeks":        {`"time_to_live":2419200`, time.Time{}, 2_419_200 * time.Second},
		"original: in full": {`"time_to_live":600,` + original, sentAt.AddDate(-1, 0, 0), 600 * time.Second},
	} {
		r := receipt(func(r *push.Receipt) { r.Payload.Timestamp = tt.ts })
		c := configWith(t, tt.config, `"webpush":{"enabled":true}`)
		m := messageTo(t, c, r, android)
		if got := *m.Android.TTL; got != tt.want {
			t.Errorf("%s: Android's TTL is %s, want %s", name, got, tt.want)
		}
		if m.Android.TTL.Truncate(time.Second) != *m.Android.TTL {
			t.Errorf("%s: TTL %s is not in seconds", name, m.Android.TTL)
		}
	}
}

func TestBadge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		config string
		unread int
		want   int // noBadge for none
	}{
		{`"dry_run":true`, 3, 3},
		{`"dry_run":true`, 0, 0},
		{`"dry_run":true`, -1, noBadge},
		{original, 3, 3},
		{original, 0, noBadge},
	} {
		r := receipt(func(r *push.Receipt) { r.To[bob] = push.Recipient{Unread: tt.unread} })
		got := noBadge
		if badge := messageTo(t, configWith(t, tt.config), r, ios).APNS.Payload.Aps.Badge; badge != nil {
			got = *badge
		}
		if got != tt.want {
			t.Errorf("%d unread: badge %d, want %d (%s)", tt.unread, got, tt.want, tt.config)
		}
	}
}

// TestChannelHasNoBadge: nobody's unread count is that of all subscribers.
func TestChannelHasNoBadge(t *testing.T) {
	t.Parallel()
	tmpl, _ := newTemplate(configWith(t), receipt(func(r *push.Receipt) { r.Channel = "chnnG99YhENiQU" }), sentAt)
	m, err := tmpl.channel()
	if err != nil {
		t.Fatal(err)
	}
	if m.APNS.Payload.Aps.Badge != nil {
		t.Errorf("badge is %d", *m.APNS.Payload.Aps.Badge)
	}
	if from, ok := m.Data["xfrom"]; ok {
		t.Errorf("subscribers learn that %q wrote it", from)
	}
}

func TestChannelNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"chnnG99YhENiQU": true, "a-_.~%": true,
		"chn/x": false, "chn x": false, "chné": false, "chn\x00": false, strings.Repeat("c", 129): false,
	} {
		tmpl, _ := newTemplate(configWith(t), receipt(func(r *push.Receipt) { r.Channel = name }), sentAt)
		m, err := tmpl.channel()
		if ok != (err == nil && m != nil && m.Topic == name) {
			t.Errorf("%q: got %v, %v", name, m, err)
		}
		if _, permanent := errors.AsType[*push.PermanentError](err); !ok && !permanent {
			t.Errorf("%q: %v is not permanent", name, err)
		}
	}
	tmpl, _ := newTemplate(configWith(t), receipt(), sentAt)
	if m, err := tmpl.channel(); m != nil || err != nil {
		t.Errorf("without a channel: %v, %v", m, err)
	}
}

// TestIDsOnly looks for what people wrote in everything that leaves the house.
func TestIDsOnly(t *testing.T) {
	t.Parallel()
	const config = `"ids_only":true,"apns":{"enabled":true,"title":"t","body":"$content"},` +
		`"android":{"enabled":true,"body":"$content","title_loc_key":"new_message"},"webpush":{"enabled":true}`
	r := receipt(func(r *push.Receipt) {
		r.Channel = "chnnG99YhENiQU"
		r.Payload.ContentType = "text/secret"
		r.Payload.Content = json.RawMessage(`{"txt":"secret","fmt":[{"at":-1}],"ent":[{"tp":"EX","data":{"name":"secret.pdf"}}]}`)
	})
	tmpl, _ := newTemplate(configWith(t, config), r, sentAt)
	channel, err := tmpl.channel()
	if err != nil {
		t.Fatal(err)
	}
	messages := []*messaging.Message{channel}
	for _, p := range []platform{android, ios, web, otherPlatform} {
		messages = append(messages, tmpl.message(bob, r.To[bob], p, "tok"))
	}
	for _, m := range messages {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "secret") {
			t.Errorf("content is in %s", text)
		}
		if m.Data["seq"] != "42" || m.Data["topic"] == "" || m.Data["what"] != "msg" {
			t.Errorf("ids are missing in %s", text)
		}
	}
}

// TestDataKeysAreAllowed: FCM refuses "from", and what begins with "google" or "gcm".
func TestDataKeysAreAllowed(t *testing.T) {
	t.Parallel()
	r := receipt(func(r *push.Receipt) {
		r.Payload.Webrtc, r.Payload.AudioOnly, r.Payload.Replace, r.Payload.ContentType = "started", true, ":1", "text/x-drafty"
	})
	for _, what := range []string{push.ActMsg, push.ActSub, push.ActRead} {
		r.Payload.What = what
		for key := range messageTo(t, configWith(t), r, web).Data {
			if key == "from" || key == "message_type" || strings.HasPrefix(key, "google") || strings.HasPrefix(key, "gcm") {
				t.Errorf("key %q is FCM's own", key)
			}
		}
	}
}

// TestOldColor: Tinode 0.16's name for it, and which wins.
func TestOldColor(t *testing.T) {
	t.Parallel()
	for section, want := range map[string]string{
		`{"enabled":true,"icon_color":"#111111"}`:                           "#111111",
		`{"enabled":true,"icon_color":"#111111","color":"#222222"}`:         "#222222",
		`{"enabled":true,"color":"#222222","msg":{"icon_color":"#333333"}}`: "#333333",
		`{"enabled":true,"icon_color":"#111111","sub":{"color":"#444444"}}`: "#111111",
	} {
		c := configWith(t, `"android":`+section)
		if got := messageTo(t, c, receipt(), android).Android.Notification.Color; got != want {
			t.Errorf("%s: color %q, want %q", section, got, want)
		}
	}
}

// message is a message as the SDK reads it.
func (t *template) message(user push.Uid, to push.Recipient, p platform, token string) *messaging.Message {
	return asSDK(textTo(t, user, to, p, token))
}

func (t *template) channel() (*messaging.Message, error) {
	m, ok, err := t.Channel()
	if !ok || err != nil {
		return nil, err
	}
	return asSDK(m.appendTo(nil)), nil
}

func asSDK(text []byte) *messaging.Message {
	var m messaging.Message
	if err := json.Unmarshal(text, &m); err != nil {
		panic(err)
	}
	return &m
}
