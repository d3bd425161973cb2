package fcm

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"firebase.google.com/go/v4/messaging"
	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

const drawn = `"android":{"enabled":true,"title":"T","body":"$content"},"apns":{"enabled":true,"title":"T","body":"$content"},"webpush":{"enabled":true,"title":"T"}`

// kindsOfPush are receipts to bob, and whether they are news to him.
func kindsOfPush() map[string]struct {
	receipt *push.Receipt
	news    bool
} {
	type kind = struct {
		receipt *push.Receipt
		news    bool
	}
	with := func(news bool, edit func(*push.Payload, *push.Recipient)) kind {
		return kind{receipt(func(r *push.Receipt) {
			to := r.To[bob]
			edit(&r.Payload, &to)
			r.To[bob] = to
		}), news}
	}
	call := func(news bool, state string) kind {
		return with(news, func(p *push.Payload, _ *push.Recipient) {
			if p.Webrtc = state; state != "started" {
				p.Replace = ":41"
			}
		})
	}
	return map[string]kind{
		"message":           {receipt(), true},
		"had elsewhere":     with(false, func(_ *push.Payload, to *push.Recipient) { to.Delivered = 1 }),
		"silent":            with(false, func(p *push.Payload, _ *push.Recipient) { p.Silent = true }),
		"edit":              with(false, func(p *push.Payload, _ *push.Recipient) { p.Replace = ":41" }),
		"read":              with(false, func(p *push.Payload, _ *push.Recipient) { p.What = push.ActRead }),
		"invitation":        with(true, func(p *push.Payload, _ *push.Recipient) { p.What = push.ActSub }),
		"invitation, had":   with(false, func(p *push.Payload, to *push.Recipient) { p.What, to.Delivered = push.ActSub, 2 }),
		"ring":              call(true, "started"),
		"ring, online":      with(true, func(p *push.Payload, to *push.Recipient) { p.Webrtc, to.Delivered = "started", 1 }),
		"ring of one's own": with(false, func(p *push.Payload, to *push.Recipient) { p.Webrtc, p.From, to.Delivered = "started", bob.UserId(), 1 }),
		"missed":            call(true, "missed"),
		"missed, had":       with(false, func(p *push.Payload, to *push.Recipient) { p.Webrtc, to.Delivered = "missed", 1 }),
		"accepted":          call(false, "accepted"),
		"declined":          call(false, "declined"),
		"disconnected":      call(false, "disconnected"),
		"finished":          call(false, "finished"),
	}
}

// TestQuiet: what is no news wakes the app and shows and sounds nothing; what is news
// is the same as without the improvement.
func TestQuiet(t *testing.T) {
	t.Parallel()
	on, off := configWith(t, drawn), configWith(t, drawn, `"improvements":{"quiet":false}`)
	for name, kind := range kindsOfPush() {
		droid, apple, browser := messageTo(t, on, kind.receipt, android), messageTo(t, on, kind.receipt, ios), messageTo(t, on, kind.receipt, web)
		if diff := cmp.Diff(messageTo(t, off, kind.receipt, android).Data, droid.Data); diff != "" {
			t.Errorf("%s: apps get other data (-without +with):\n%s", name, diff)
		}
		if kind.news {
			if droid.Android.Notification == nil || droid.Android.Priority != "high" || apple.APNS.Payload.Aps.Sound == "" || browser.Webpush.Notification == nil {
				t.Errorf("%s: is not heard or seen", name)
			}
			if kind.receipt.Payload.Webrtc != "missed" {
				wantSame(t, name, messageTo(t, off, kind.receipt, ios), apple)
			}
			continue
		}
		wantQuiet(t, name, droid, apple, browser)
	}
}

func wantQuiet(t *testing.T, name string, droid, apple, browser *messaging.Message) {
	t.Helper()
	if droid.Android.Notification != nil || droid.Android.Priority != "normal" {
		t.Errorf("%s: Android gets %+v", name, droid.Android)
	}
	if browser.Webpush.Notification != nil || browser.Webpush.Headers["Urgency"] != "low" {
		t.Errorf("%s: browsers get %+v", name, browser.Webpush)
	}
	text, err := json.Marshal(apple.APNS.Payload)
	if h := apple.APNS.Headers; err != nil || string(text) != `{"aps":{"content-available":1}}` || h["apns-push-type"] != "background" || h["apns-priority"] != "5" {
		t.Errorf("%s: Apple gets %s, %v, %v", name, text, apple.APNS.Headers, err)
	}
}

func wantSame(t *testing.T, name string, want, got *messaging.Message) {
	t.Helper()
	wantText, _ := json.Marshal(want)
	gotText, _ := json.Marshal(got)
	if diff := cmp.Diff(string(wantText), string(gotText)); diff != "" {
		t.Errorf("%s: news is different (-want +got):\n%s", name, diff)
	}
}

// TestMissedCallIsSeen: on Apple devices Tinode shows nothing of any call.
func TestMissedCallIsSeen(t *testing.T) {
	t.Parallel()
	alert := messageTo(t, configWith(t, drawn), kindsOfPush()["missed"].receipt, ios).APNS.Payload.Aps.Alert
	if alert == nil {
		t.Error("no alert")
	}
}

// TestCallTTL: only a call that rings is worthless later.
func TestCallTTL(t *testing.T) {
	t.Parallel()
	for name, kind := range kindsOfPush() {
		want := 3599 * time.Second
		if strings.HasPrefix(name, "ring") {
			want = 0
		}
		if got := *messageTo(t, configWith(t), kind.receipt, android).Android.TTL; got != want {
			t.Errorf("%s: Android's TTL is %s, want %s", name, got, want)
		}
		if kind.receipt.Payload.Webrtc != "" {
			if got := *messageTo(t, configWith(t, original), kind.receipt, android).Android.TTL; got != 0 {
				t.Errorf("%s: Tinode's TTL is 0, not %s", name, got)
			}
		}
	}
}

// TestChannelIsQuiet: an edit is no news to subscribers either.
func TestChannelIsQuiet(t *testing.T) {
	t.Parallel()
	for replace, quiet := range map[string]bool{"": false, ":41": true} {
		r := receipt(func(r *push.Receipt) { r.Channel, r.Payload.Replace = "chnnG99YhENiQU", replace })
		tmpl, _ := newTemplate(configWith(t, drawn), r, sentAt)
		m, err := tmpl.channel()
		if err != nil || (m.Android.Notification == nil) != quiet || (m.APNS.Payload.Aps.Sound == "") != quiet {
			t.Errorf("replace %q: %+v, %+v, %v", replace, m.Android, m.APNS.Payload.Aps, err)
		}
	}
}

// TestNoEmptyNotification: a notification has words, or the system draws none.
func TestNoEmptyNotification(t *testing.T) {
	t.Parallel()
	body := func(more string) string {
		return `"android":{"enabled":true,"body":"$content"` + more + `},"apns":{"enabled":true,"body":"$content"` + more + `}`
	}
	for _, tt := range []struct{ config, content, droid, apple string }{
		{body(``), `"Hello"`, "Hello", "Hello"},
		{body(``), `42`, "42", "42"},
		{body(``), `{"foo":1}`, "[MESSAGE]", "[MESSAGE]"},
		{body(``), `{"ent":[{"tp":"IM"}]}`, "[IMAGE '?']", "[IMAGE '?']"},
		{body(`,"body_loc_key":"new"`), `{"foo":1}`, "new", "new"},
		{body(`,"body_loc_key":"new"`), `{"ent":[{"tp":"IM"}]}`, "new", "new"},
		{body(`,"body_loc_key":"new"`), `{"ent":[{"tp":"IM","data":{"name":"a.jpg"}}]}`, "[IMAGE 'a.jpg']new", "[IMAGE 'a.jpg']new"},
		{body(``), `""`, "none", "none"},
		{body(`,"fallback":"New message"`), `"Hello"`, "Hello", "Hello"},
		{body(`,"fallback":"New message"`), `42`, "New message", "New message"},
		{body(`,"fallback":"New message"`), `["a",1]`, "New message", "New message"},
		{body(`,"fallback":"New message"`), `{"foo":1}`, "New message", "New message"},
		{body(`,"fallback":"New message"`), `{"foo"}`, "New message", "New message"},
		{body(`,"fallback":"New message"`), `{"ent":[{"tp":"IM"}]}`, "New message", "New message"},
		{body(`,"fallback":"New message"`), `{"ent":[{"tp":"IM","data":{"name":"a.jpg"}}]}`, "[IMAGE 'a.jpg']", "[IMAGE 'a.jpg']"},
		{body(`,"fallback":"New message"`), `""`, "New message", "New message"},
		{body(`,"fallback":"Section","msg":{"fallback":"Message"}`), `7`, "Message", "Message"},
		{body(`,"fallback":"New message","body_loc_key":"new"`), `42`, "new", "new"},
		{`"ids_only":true,` + body(`,"fallback":"New message"`), `"Hello"`, "New message", "New message"},
		{body(`,"title":"T"`), `""`, "", ""},
		{`"ids_only":true,` + body(``), `"Hello"`, "none", "none"},
	} {
		r := receipt(func(r *push.Receipt) { r.Payload.Content = json.RawMessage(tt.content) })
		c := configWith(t, tt.config)
		droid, apple := "none", "none"
		if n := messageTo(t, c, r, android).Android.Notification; n != nil {
			droid = n.Body + n.BodyLocKey
		}
		if a := messageTo(t, c, r, ios).APNS.Payload.Aps.Alert; a != nil {
			apple = a.Body + a.LocKey
		}
		if droid != tt.droid || apple != tt.apple {
			t.Errorf("%s, %s: Android draws %q, Apple %q, want %q, %q", tt.config, tt.content, droid, apple, tt.droid, tt.apple)
		}
	}
}
