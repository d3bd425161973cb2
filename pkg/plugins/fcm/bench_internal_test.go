package fcm

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// instant is a network that accepts at once.
type instant struct{}

func (instant) Post(r *h2post.Request) {
	r.Done(&h2post.Answer{Outcome: h2post.Answered, Status: http.StatusOK, Body: []byte(`{"name":"` + goodID + `"}`)})
}
func (instant) Cancel(*h2post.Request)      {}
func (instant) Close(context.Context) error { return nil }

// phones is a directory in which everybody has an Android phone.
type phones struct{ push.Directory }

func (phones) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	all := make(map[push.Uid][]push.Device, len(users))
	for _, user := range users {
		all[user] = []push.Device{{ID: "phone", Platform: "android", Token: "token-" + user.String()}}
	}
	return all, nil
}

// BenchmarkPush carries receipts of one recipient through the whole handler, but for the
// network.
func BenchmarkPush(b *testing.B) {
	c := configWith(b)
	c.PerSecond = 1e9
	s, err := newSender(b.Context(), c, goodKey)
	if err != nil {
		b.Fatal(err)
	}
	s.wire.Close()
	s.wire = line.WireOver(instant{})
	h := push.Adapt(func(string) (push.Work, error) { return newHandler(c, push.Common{}, phones{}, s).work(), nil })
	if err := h.Init(""); err != nil {
		b.Fatal(err)
	}
	defer h.Stop()
	var open sync.WaitGroup
	b.ReportAllocs()
	for b.Loop() {
		r := receipt(func(r *push.Receipt) { r.Payload.Timestamp = time.Now() })
		r.OnDone(func(err error) {
			if err != nil {
				b.Error(err)
			}
			open.Done()
		})
		open.Add(1)
		h.Push() <- r
	}
	open.Wait()
}

// BenchmarkRender makes the one message of a receipt to one device, as most
// receipts are: it is what a push costs before it is sent.
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
