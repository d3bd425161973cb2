package fcm

import (
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestTwinsCollapse renders the same receipt on another attempt: later, narrowed,
// by another worker.
func TestTwinsCollapse(t *testing.T) {
	t.Parallel()
	c := configWith(t, `"webpush":{"enabled":true},"improvements":{"android_collapse_key":true}`)
	identities := func(r *push.Receipt, now time.Time) [3]string {
		tmpl, err := newTemplate(c, r, now)
		if err != nil {
			t.Fatal(err)
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
