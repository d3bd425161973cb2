package webpush

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

const alice = push.Uid(0x1001)

var at = time.Date(2026, 7, 4, 12, 0, 0, 0, time.UTC)

func messageTo(t *testing.T, c *Config, p push.Payload, to push.Recipient) *message {
	t.Helper()
	made, err := newTemplate(c, &push.Receipt{To: map[push.Uid]push.Recipient{alice: to}, Payload: p}, at.Add(10*time.Second))
	if err != nil || made == nil {
		t.Fatalf("no message: %v", err)
	}
	return made.Device(push.Device{User: alice}, to)
}

// TestGolden compares with testdata/messages.golden, which UPDATE_GOLDEN=1 writes.
func TestGolden(t *testing.T) {
	t.Parallel()
	msg := push.Payload{What: push.ActMsg, Topic: "grpOne", From: push.Uid(0x2002).UserId(), SeqId: 7, Timestamp: at, Content: "a < b & \"c\""}
	with := func(change func(*push.Payload)) push.Payload {
		p := msg
		change(&p)
		return p
	}
	section := `"webpush":{"enabled":true,"title":"Chat","body":"$content","icon":"https://chat.example.com/i.png","msg":{"click_action":"https://chat.example.com/in"}}`
	var got strings.Builder
	for _, test := range []struct {
		name string
		keys []string
		p    push.Payload
		to   push.Recipient
	}{
		{"message", nil, msg, push.Recipient{Unread: 3}},
		{"with a section", []string{section}, msg, push.Recipient{Unread: 3}},
		{"of another app", []string{`"webpush":{"body":"$content","fallback":"New message"}`}, with(func(p *push.Payload) { p.Content = []int{42} }), push.Recipient{Unread: 3}},
		{"ids only", []string{`"ids_only":true`}, msg, push.Recipient{Unread: 3}},
		{"as data", []string{`"format":"data"`}, msg, push.Recipient{Unread: 3}},
		{"nothing unread", nil, msg, push.Recipient{}},
		{"already delivered", nil, msg, push.Recipient{Delivered: 1}},
		{"ringing call", nil, with(func(p *push.Payload) { p.Webrtc, p.Content = "started", "" }), push.Recipient{Unread: 1}},
		{"missed call", nil, with(func(p *push.Payload) { p.Webrtc, p.Replace, p.Content = "missed", ":6", "" }), push.Recipient{Unread: 1}},
		{"read elsewhere", nil, push.Payload{What: push.ActRead, Topic: "grpOne", SeqId: 7, Timestamp: at}, push.Recipient{Unread: 2}},
		{"invitation", nil, push.Payload{What: push.ActSub, Topic: "grpOne", From: alice.UserId(), Timestamp: at}, push.Recipient{}},
	} {
		m := messageTo(t, configured(t, test.keys...), test.p, test.to)
		fmt.Fprintf(&got, "%s: %s, TTL %s, urgency %s, topic %s\n%s\n", test.name, m.kind, m.ttl, m.urgency, m.topic, m.text)
	}
	const file = "testdata/messages.golden"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// TestEveryMessageFits: whatever people write, the body has no more bytes than max_body,
// is JSON that can be shown, and says which message there is.
func TestEveryMessageFits(t *testing.T) {
	t.Parallel()
	words := []string{"a", "\"", "\\", "<", "\n", "\x01", "é", "漢", "👩‍👩‍👧", "\u2028", "\xff"}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 400 {
		var text strings.Builder
		for text.Len() < n*15 {
			text.WriteString(words[random.IntN(len(words))])
			if n%4 == 0 { // all alike
				text.WriteString(strings.Repeat(words[n/4%len(words)], 20))
			}
		}
		topic := "grp" + strings.Repeat([]string{"x", "é", "/"}[n%3], random.IntN(150))
		keys := []string{`"max_body":` + itoa([]int{minBody, defaultBody, maxBody}[n%3])}
		if n%2 == 0 {
			keys = append(keys, `"webpush":{"enabled":true,"title":"`+strings.Repeat("t", 300)+`","body":"$content","icon":"https://x.example/`+strings.Repeat("i", 300)+`"}`)
		}
		c := configured(t, keys...)
		m := messageTo(t, c, push.Payload{What: push.ActMsg, Topic: topic, From: alice.UserId(), SeqId: 7, Timestamp: at, Content: text.String()}, push.Recipient{Unread: 3})
		var says struct {
			Notification struct {
				Title, Navigate string
				Data            map[string]string
			}
		}
		if err := json.Unmarshal(m.text, &says); err != nil {
			t.Fatal(err)
		}
		if len(m.text)+overhead > c.MaxBody || says.Notification.Title == "" || says.Notification.Navigate == "" || says.Notification.Data["seq"] != "7" {
			t.Fatalf("%d bytes of %d: %s", len(m.text)+overhead, c.MaxBody, m.text)
		}
	}
}

// TestLongMessagesKeepTheirData: a text is shortened, and not left out together with the
// rest of the data.
func TestLongMessagesKeepTheirData(t *testing.T) {
	t.Parallel()
	for _, long := range []int{40, 128, 1000} {
		m := messageTo(t, configured(t), push.Payload{What: push.ActMsg, Topic: "grpOne", From: alice.UserId(), SeqId: 7, Timestamp: at, Content: strings.Repeat("👩‍👩‍👧", long)}, push.Recipient{Unread: 3})
		var says declarative
		if err := json.Unmarshal(m.text, &says); err != nil {
			t.Fatal(err)
		}
		if says.Notification.Data["xfrom"] == "" || len(says.Notification.Body) < 600 || len(m.text)+overhead > defaultBody {
			t.Errorf("of %d large characters the message has %s", long, m.text)
		}
	}
}

// TestSharedMessages: those who see the same get the same message, and with another badge
// another.
func TestSharedMessages(t *testing.T) {
	t.Parallel()
	made, err := newTemplate(configured(t), &push.Receipt{Payload: push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 1, Timestamp: at, Content: "hello"}}, at)
	if err != nil {
		t.Fatal(err)
	}
	device := func(user push.Uid, unread int) *message {
		return made.Device(push.Device{User: user}, push.Recipient{Unread: unread})
	}
	one := device(alice, 1)
	if same := device(alice+1, 1); same != one {
		t.Error("a message is made twice")
	}
	if other := device(alice, 2); other == one || string(other.text) == string(one.text) {
		t.Error("two badges have one message")
	}
}

// TestNothingSilentToApple: it would cost the permission; others are told.
func TestNothingSilentToApple(t *testing.T) {
	t.Parallel()
	made, err := newTemplate(configured(t), &push.Receipt{Payload: push.Payload{What: push.ActRead, Topic: "grpOne", SeqId: 1, Timestamp: at}}, at)
	if err != nil {
		t.Fatal(err)
	}
	for endpoint, skipped := range map[string]bool{"https://web.push.apple.com/x": true, "https://fcm.googleapis.com/x": false, "damaged": false} {
		if why := made.Skip(push.Device{User: alice, Token: endpoint}, push.Recipient{}, nil); (why != "") != skipped {
			t.Errorf("%s: %q", endpoint, why)
		}
	}
	if made, err = newTemplate(configured(t), &push.Receipt{Payload: push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 1, Timestamp: at, Content: "x"}}, at); err != nil {
		t.Fatal(err)
	}
	if why := made.Skip(push.Device{User: alice, Token: "https://web.push.apple.com/x"}, push.Recipient{}, nil); why != "" {
		t.Errorf("a message is skipped: %s", why)
	}
}

// TestTTL: never 0, whatever is left.
func TestTTL(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", 90 * time.Second: "90"} {
		if got := lifetime(left); got != want {
			t.Errorf("TTL of %s is %s, want %s", left, got, want)
		}
	}
}
