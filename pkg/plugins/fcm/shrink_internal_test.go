package fcm

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/content"
	"github.com/pushworker/pushworker/pkg/push"
)

// bothEnabled shows the content in the notifications of both systems, with texts
// as long as a configuration may have them.
func bothEnabled() string {
	long := strings.Repeat("t", 700)
	return `"android":{"enabled":true,"body":"$content","title":"` + long + `"},"apns":{"enabled":true,"body":"$content","title":"` + long + `"}`
}

// payloadSize is what FCM counts: keys and values of the data and of Android's
// notification. For Apple it is the JSON of aps with the data beside it.
func payloadSize(tb testing.TB, m *messaging.Message) (keysAndValues, apple int) {
	tb.Helper()
	for key, value := range m.Data {
		keysAndValues += len(key) + len(value)
	}
	if m.Android != nil && m.Android.Notification != nil {
		text, err := json.Marshal(m.Android.Notification)
		if err != nil {
			tb.Fatal(err)
		}
		var fields map[string]string
		if err := json.Unmarshal(text, &fields); err != nil {
			tb.Fatal(err)
		}
		for key, value := range fields {
			keysAndValues += len(key) + len(value)
		}
	}
	if m.APNS != nil {
		whole := map[string]any{"aps": m.APNS.Payload.Aps}
		for key, value := range m.Data {
			whole[key] = value
		}
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(whole); err != nil {
			tb.Fatal(err)
		}
		apple = b.Len()
	}
	return keysAndValues, apple
}

// monstrous are receipts that must go out all the same.
func monstrous() map[string]*push.Receipt {
	zalgo := strings.Repeat("a"+strings.Repeat("\u0301", 40), 128)
	files := make([]any, 300)
	for i := range files {
		files[i] = map[string]any{"at": -1, "tp": "EX"}
	}
	big := strings.Repeat("\x01\"\\ж", 4*maxPayload/5) // of each name four times what a whole message may have
	return map[string]*push.Receipt{
		"small":    receipt(),
		"zalgo":    receipt(func(r *push.Receipt) { r.Payload.Content = zalgo }),
		"files":    receipt(func(r *push.Receipt) { r.Payload.Content = map[string]any{"txt": "x", "fmt": files} }),
		"controls": receipt(func(r *push.Receipt) { r.Payload.Content = strings.Repeat("\x01", 500) }),
		"quotes":   receipt(func(r *push.Receipt) { r.Payload.Content = strings.Repeat(`"\`, 500) }),
		"4 bytes":  receipt(func(r *push.Receipt) { r.Payload.Content = strings.Repeat("😀", 500) }),
		"names": receipt(func(r *push.Receipt) {
			p := &r.Payload
			p.Topic, p.From, p.ContentType, p.Webrtc, p.Replace, p.Content = big, big, big, big, big, big
			p.SeqId = -1 << 63
		}),
		"names of a sub": receipt(func(r *push.Receipt) {
			r.Payload.What, r.Payload.Topic, r.Payload.From = push.ActSub, big, big
			r.Payload.ModeGiven, r.Payload.ModeWant = push.AccessMode(0xff), push.AccessMode(0xff)
		}),
	}
}

func TestNothingIsTooLarge(t *testing.T) {
	t.Parallel()
	for _, config := range []string{`"dry_run":true`, bothEnabled()} {
		c := configWith(t, config)
		for name, r := range monstrous() {
			r.Channel = strings.Repeat("c", maxTopicName)
			tmpl, err := newTemplate(c, r, sentAt)
			if err != nil {
				t.Fatal(err)
			}
			channel, err := tmpl.channel()
			if err != nil {
				t.Fatal(err)
			}
			for limit, m := range map[int]*messaging.Message{
				maxPayload:      tmpl.message(bob, r.To[bob], android, "t"),
				maxPayload + 1:  tmpl.message(bob, r.To[bob], ios, "t"),
				maxPayload + 2:  tmpl.message(bob, r.To[bob], web, "t"),
				maxTopicPayload: channel,
			} {
				if limit > maxPayload {
					limit = maxPayload
				}
				size, apple := payloadSize(t, m)
				if size > limit || apple > maxPayload {
					t.Errorf("%s: %d bytes, %d for Apple, want at most %d and %d: %v", name, size, apple, limit, maxPayload, m.Data)
				}
				if m.Data["what"] == "" || m.Data["topic"] == "" {
					t.Errorf("%s: ids are lost: %v", name, m.Data)
				}
				for key, value := range m.Data {
					if !utf8.ValidString(value) {
						t.Errorf("%s: %s is cut within a rune: %q", name, key, value)
					}
				}
			}
		}
	}
}

// TestShrinkOrder fills a channel's 2,048 bytes bit by bit and watches what goes
// first.
func TestShrinkOrder(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"apns":{"enabled":true,"body":"$content","title":"`+strings.Repeat("t", 900)+`"}`)
	stage := 0
	for width := range 16 {
		r := receipt(func(r *push.Receipt) {
			r.Channel = "chnnG99YhENiQU"
			r.Payload.ContentType = strings.Repeat("m", maxTopicName)
			r.Payload.Content = strings.Repeat("a"+strings.Repeat("\u0301", width), 128)
			if width > 8 { // plain text is bounded by runes: make them heavier
				r.Payload.Content = strings.Repeat("\x01", (width-8)*20)
			}
		})
		tmpl, _ := newTemplate(c, r, sentAt)
		full, _ := content.Read(r.Payload.Content, r.Payload.ContentType, content.Rules{Tolerate: true, WholeCharacters: true})
		m, err := tmpl.channel()
		if err != nil {
			t.Fatal(err)
		}
		rc, hasRC := m.Data["rc"]
		text, body := m.Data["content"], m.APNS.Payload.Aps.Alert.Body
		switch {
		case hasRC && (rc != full.Preview || text != full.Plain || body != full.Plain):
			t.Errorf("width %d: something was cut while the preview is there", width)
		case text != full.Plain && text != "" && body != full.Plain:
			t.Errorf("width %d: the notification was cut while there is content", width)
		}
		for i, cut := range []bool{!hasRC, text != full.Plain, body != full.Plain} {
			if cut {
				stage = max(stage, i+1)
			}
		}
	}
	if stage != 3 {
		t.Errorf("only %d of 3 steps were taken: the test says nothing", stage)
	}
}

// TestShrinkOff: as Tinode, which sends what FCM then refuses.
func TestShrinkOff(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"improvements":{"shrink":false}`)
	m := messageTo(t, c, monstrous()["zalgo"], ios)
	if size, _ := payloadSize(t, m); size <= maxPayload {
		t.Errorf("%d bytes", size)
	}
}

// TestSmallIsUntouched: what fits is not shrunk.
func TestSmallIsUntouched(t *testing.T) {
	t.Parallel()
	on, off := configWith(t, bothEnabled()), configWith(t, bothEnabled(), `"improvements":{"shrink":false}`)
	for _, p := range []platform{android, ios, web} {
		a, b := messageTo(t, on, receipt(), p), messageTo(t, off, receipt(), p)
		if a.Data["rc"] != b.Data["rc"] || a.Data["content"] != b.Data["content"] {
			t.Errorf("%v was shrunk: %v", p, a.Data)
		}
	}
}
