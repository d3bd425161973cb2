package fcm

import (
	"encoding/json"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// BenchmarkRender makes the one message of a receipt to one device, as most
// receipts are: it is what a push costs before the SDK sees it.
func BenchmarkRender(b *testing.B) {
	drafty := json.RawMessage(`{"txt":"Hi @bob, see https://example.com","fmt":[{"at":3,"len":4},{"at":13,"len":19,"key":1}],` +
		`"ent":[{"tp":"MN","data":{"val":"usrEDJUdpi63P4"}},{"tp":"LN","data":{"url":"https://example.com"}}]}`)
	p2p := receipt(func(r *push.Receipt) { r.Payload.Topic = push.P2PTopic(alice, bob) })
	for _, bm := range []struct {
		name     string
		config   string
		receipt  *push.Receipt
		platform platform
	}{
		{"android", `"dry_run":true`, receipt(), android},
		{"android-drawn", `"android":{"enabled":true,"title_loc_key":"new_message","body":"$content","icon":"ic"}`, receipt(), android},
		{"ios", `"apns_bundle_id":"co.example.app"`, receipt(), ios},
		{"ios-drawn", `"apns_bundle_id":"co.example.app","apns":{"enabled":true,"title_loc_key":"k","body":"$content"}`, receipt(), ios},
		{"web", `"webpush":{"enabled":true}`, receipt(), web},
		{"p2p", `"dry_run":true`, p2p, android},
		{"formatted", `"dry_run":true`, receipt(func(r *push.Receipt) { r.Payload.Content = drafty }), android},
		{"read", `"dry_run":true`, receipt(func(r *push.Receipt) { r.Payload.What = push.ActRead }), android},
	} {
		b.Run(bm.name, func(b *testing.B) {
			c := configWith(b, bm.config)
			to := bm.receipt.To[bob]
			b.ReportAllocs()
			for b.Loop() {
				tmpl, err := newTemplate(c, bm.receipt, sentAt)
				if err != nil {
					b.Fatal(err)
				}
				if m := tmpl.message(bob, to, bm.platform, "token"); m.Token == "" {
					b.Fatal("no token")
				}
			}
		})
	}
}

// BenchmarkRenderMany is a receipt to a thousand devices, per device.
func BenchmarkRenderMany(b *testing.B) {
	for _, p := range []struct {
		name string
		platform
	}{{"android", android}, {"ios", ios}} {
		b.Run(p.name, func(b *testing.B) {
			c, r := configWith(b), receipt()
			tmpl, _ := newTemplate(c, r, sentAt)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%1000 == 0 {
					tmpl, _ = newTemplate(c, r, sentAt)
				}
				tmpl.message(bob, push.Recipient{Unread: i % 7}, p.platform, "token")
			}
		})
	}
}
