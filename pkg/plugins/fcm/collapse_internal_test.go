package fcm

import (
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

func TestCollapseID(t *testing.T) {
	t.Parallel()
	base := push.Payload{What: push.ActMsg, Topic: "grpnG99YhENiQU", SeqId: 42, Timestamp: sentAt}
	seen := map[string]string{collapseID(&base, base.Topic): "base"}
	for name, edit := range map[string]func(p *push.Payload){
		"seq":    func(p *push.Payload) { p.SeqId = 43 },
		"topic":  func(p *push.Payload) { p.Topic = "grpother" },
		"action": func(p *push.Payload) { p.What = push.ActRead },
		"sub":    func(p *push.Payload) { p.What = push.ActSub },
		"sub, a moment later": func(p *push.Payload) {
			p.What, p.Timestamp = push.ActSub, sentAt.Add(time.Millisecond)
		},
		"sub, no time":      func(p *push.Payload) { p.What, p.Timestamp = push.ActSub, time.Time{} },
		"long topic":        func(p *push.Payload) { p.Topic = strings.Repeat("x", 500) },
		"other long topic":  func(p *push.Payload) { p.Topic = strings.Repeat("x", 501) },
		"topic not for web": func(p *push.Payload) { p.Topic = "grp x\r\n" },
		"no topic":          func(p *push.Payload) { p.Topic = "" },
		"raw p2p":           func(p *push.Payload) { p.Topic = push.P2PTopic(alice, bob) },
		"largest seq":       func(p *push.Payload) { p.SeqId = 1<<63 - 1 },
		"negative seq":      func(p *push.Payload) { p.SeqId = -1 << 63 },
	} {
		p := base
		edit(&p)
		id := collapseID(&p, p.Topic)
		if other, taken := seen[id]; taken {
			t.Errorf("%s has the identity of %s: %q", name, other, id)
		}
		seen[id] = name
		if len(id) > maxCollapseID || !isBase64URL(id) || id == "" {
			t.Errorf("%s: %q is nothing for the header of web push", name, id)
		}
	}
}

// TestTwinsCollapse renders the same receipt on another attempt: later, narrowed,
// by another worker.
func TestTwinsCollapse(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"webpush":{"enabled":true},"improvements":{"android_collapse_key":true}`)
	identities := func(r *push.Receipt, now time.Time) [3]string {
		tmpl, skip := newTemplate(c, r, now)
		if skip != 0 {
			t.Fatal(skip)
		}
		return [3]string{
			tmpl.message(bob, push.Recipient{}, android, "a").Android.CollapseKey,
			tmpl.message(bob, push.Recipient{}, ios, "a").APNS.Headers["apns-collapse-id"],
			tmpl.message(bob, push.Recipient{}, web, "a").Webpush.Headers["Topic"],
		}
	}
	first := identities(receipt(), sentAt)
	twin := identities(receipt(func(r *push.Receipt) {
		r.To = map[push.Uid]push.Recipient{bob: {Unread: 9, Devices: []string{"x"}}}
	}), sentAt.Add(10*time.Minute))
	next := identities(receipt(func(r *push.Receipt) { r.Payload.SeqId++ }), sentAt)
	if first != twin {
		t.Errorf("twins differ: %q and %q", first, twin)
	}
	for i := range first {
		if first[i] == "" || first[i] == next[i] {
			t.Errorf("identities %q and %q of two messages", first[i], next[i])
		}
	}
}
