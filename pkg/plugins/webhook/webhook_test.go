package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	fakewebhook "github.com/pushworker/pushworker/internal/fake/webhook"
	"github.com/pushworker/pushworker/pkg/plugins/webhook"
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// directory has these devices, and notes which are gone.
type directory struct {
	mu      sync.Mutex
	devices map[push.Uid][]push.Device
	gone    []string
	err     error
}

func (d *directory) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	found := make(map[push.Uid][]push.Device)
	for _, user := range users {
		if devices := d.devices[user]; devices != nil {
			found[user] = devices
		}
	}
	return found, d.err
}

func (d *directory) Gone(_ context.Context, of push.Device, _ time.Time, reason string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, of.ID+" "+reason)
	return nil
}

// world is a handler and its receiver.
type world struct {
	*testing.T
	fake      *fakewebhook.Server
	directory *directory
	handler   push.Handler
}

func startFake(t *testing.T, rules string) *fakewebhook.Server {
	t.Helper()
	script, err := fakewebhook.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := fakewebhook.Start(fakewebhook.Options{Options: fake.Options{Script: script}, Secrets: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func config(url string, keys ...string) string {
	keys = append([]string{`"url":"` + url + `/hook"`, `"allow_private":true`, `"secrets":["` + secret + `"]`}, keys...)
	return "{" + strings.Join(keys, ",") + "}"
}

func newWorld(t *testing.T, rules string, keys ...string) *world {
	t.Helper()
	w := &world{T: t, fake: startFake(t, rules), directory: &directory{devices: make(map[push.Uid][]push.Device)}}
	w.handler = webhook.New(w.directory)
	if err := w.handler.Init(config(w.fake.URL(), keys...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.handler.Stop)
	return w
}

// handle has the handler do r, and returns its outcome.
func (w *world) handle(r *push.Receipt) error {
	w.Helper()
	outcome := make(chan error, 1)
	r.OnDone(func(err error) { outcome <- err })
	w.handler.Push() <- r
	select {
	case err := <-outcome:
		return err
	case <-time.After(2 * time.Minute): // nothing but a failure takes so long
		w.Fatalf("the receipt has no outcome; the receiver has got %d requests", len(w.fake.Requests()))
		return nil
	}
}

// body is what the receiver has got last.
func (w *world) body() (kind string, receipt *push.Receipt, devices []push.Device) {
	w.Helper()
	all := w.fake.Requests()
	if len(all) == 0 {
		w.Fatal("the receiver has got nothing")
	}
	var got struct {
		Type string
		Data struct {
			Receipt *push.Receipt
			Devices []push.Device
		}
	}
	if err := json.Unmarshal(all[len(all)-1].Body, &got); err != nil {
		w.Fatal(err)
	}
	return got.Type, got.Data.Receipt, got.Data.Devices
}

func receipt(users ...push.Uid) *push.Receipt {
	r := &push.Receipt{
		To: make(map[push.Uid]push.Recipient),
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpTest", SeqId: 7, From: bob.UserId(), ContentType: "text/x-drafty",
			Content: json.RawMessage(`"a < b & c"`), Timestamp: time.Date(2026, 7, 4, 12, 0, 0, 0, time.UTC),
		},
	}
	for _, user := range users {
		r.To[user] = push.Recipient{Unread: 3}
	}
	return r
}

func TestConformance(t *testing.T) {
	receiver := startFake(t, "")
	pushtest.TestHandler(t, pushtest.Subject{
		New:    func(testing.TB) (push.Handler, func() int) { return webhook.New(&directory{}), nil },
		Config: config(receiver.URL()),
		Invalid: []string{
			`{}`, `{"url":"https://push.example.com"}`, `{"secrets":["` + secret + `"]}`, config("gopher://push.example.com"),
			config(receiver.URL(), `"body":"some"`), config(receiver.URL(), `"max_in_flight":-1`), config(receiver.URL(), `"per_second":-1`),
			`{"url":"http://push.example.com","secrets":["` + secret + `"]}`, `{"url":"https://u:p@push.example.com","secrets":["` + secret + `"]}`,
			`{"url":"https://push.example.com","secrets":["secret"]}`,
			config(receiver.URL() + "/?a=ü"), config(receiver.URL() + "/?a= "),
		},
	})
}

// TestReceiptIsTold: the receiver gets the receipt as it was published.
func TestReceiptIsTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys []string
		what string
		kind string
		thin bool
	}{
		"full":         {nil, push.ActMsg, "push.message", false},
		"thin":         {[]string{`"body":"thin"`}, push.ActMsg, "push.message", true},
		"subscription": {nil, push.ActSub, "push.subscription", false},
		"read":         {nil, push.ActRead, "push.read", false},
		"unknown":      {nil, "dance", "push.other", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "", test.keys...)
			want := receipt(alice, bob)
			want.Channel, want.Payload.What = "chnA", test.what
			if err := w.handle(want.Clone()); err != nil {
				t.Fatal(err)
			}
			if test.thin {
				want.Payload.Content, want.Payload.ContentType = nil, ""
			}
			kind, got, _ := w.body()
			if diff := cmp.Diff(want.Payload, got.Payload); kind != test.kind || diff != "" || !cmp.Equal(want.To, got.To) || got.Channel != "chnA" {
				t.Errorf("type %s, to %v, channel %s, payload (-want +got):\n%s", kind, got.To, got.Channel, diff)
			}
			if raw := string(w.fake.Requests()[0].Body); !test.thin && !strings.Contains(raw, `"a < b & c"`) {
				t.Errorf("the content is not told byte for byte: %s", raw)
			}
		})
	}
}

// TestIDIsThatOfTheReceipt: it is the same in every attempt, and another for another
// receipt.
func TestIDIsThatOfTheReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `{"nth":"1","answer":"cut"}`)
	at := time.Now()
	for seq := range uint64(2) {
		for attempt := range 2 {
			r := receipt(alice)
			r.Stamp(&push.Delivery{Stream: "PUSH", Seq: 7 + seq, Published: at, Attempt: 1 + attempt})
			if err := w.handle(r); (err == nil) != (attempt == 1) {
				t.Errorf("receipt %d, attempt %d: %v", seq, attempt, err)
			}
		}
	}
	var got []string
	for _, r := range w.fake.Requests() {
		got = append(got, r.Target+" "+r.Answer)
	}
	one, two := push.Delivery{Stream: "PUSH", Seq: 7, Published: at}.ID(), push.Delivery{Stream: "PUSH", Seq: 8, Published: at}.ID()
	if diff := cmp.Diff([]string{one + " cut", one + " accepted", two + " cut", two + " accepted"}, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestTraceIsPassedOn: the publisher's trace context comes with the request, unless no
// header can have it.
func TestTraceIsPassedOn(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.WriteHeader(http.StatusNoContent)
	})
	w := &world{T: t, handler: webhook.New(&directory{})}
	if err := w.handler.Init(config(url)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.handler.Stop)
	for _, test := range []struct{ parent, state, wantParent, wantState string }{
		{"00-1-2-01", "a=b", "00-1-2-01", "a=b"},
		{"00-1-2-01", "a=\x01", "00-1-2-01", ""},
		{"00\x01", "a=b", "", ""},
	} {
		r := receipt(alice)
		r.Stamp(&push.Delivery{Stream: "PUSH", Seq: 7, Published: time.Now(), Header: map[string][]string{"traceparent": {test.parent}, "tracestate": {test.state}, "X-Mine": {"no"}}})
		if err := w.handle(r); err != nil {
			t.Fatal(err)
		}
		h := <-got
		if h.Get("Traceparent") != test.wantParent || h.Get("Tracestate") != test.wantState || h.Get("X-Mine") != "" {
			t.Errorf("the headers are %v, want %q and %q", h, test.wantParent, test.wantState)
		}
	}
}

// TestOneAttemptIsOneRequest: whatever the receiver or the network does, nothing below
// us tries again by itself, and nothing is settled.
func TestOneAttemptIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"internal", "unavailable", "bad-gateway-html", "redirect", "throttled", "disabled", "bad-request", "bad-signature", "reset", "cut", "close"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, `{"answer":"`+answer+`"}`)
			err := w.handle(receipt(alice))
			_, permanent := errors.AsType[*push.PermanentError](err)
			if n := w.fake.Stats().Requests; n != 1 || err == nil || permanent {
				t.Errorf("%d requests, outcome %v", n, err)
			}
		})
	}
}

// TestDisabledPausesTheLane: after a receiver has said 410 to several receipts it is left
// alone, and none is lost.
func TestDisabledPausesTheLane(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `{"answer":"disabled"}`)
	var down *push.UnavailableError
	for i := range 50 {
		r := receipt(alice)
		r.Stamp(&push.Delivery{Stream: "PUSH", Seq: uint64(i + 1), Published: time.Now()})
		err := w.handle(r)
		if err == nil {
			t.Fatal("a receipt is settled")
		}
		down, _ = errors.AsType[*push.UnavailableError](err)
	}
	if down == nil || !strings.Contains(down.Error(), "has disabled this webhook") {
		t.Errorf("the last outcome is %v, want an outage that says what to do", down)
	}
	if n := w.fake.Stats().Requests; n != 10 {
		t.Errorf("%d requests, want 10: so many show that it is meant for all", n)
	}
}

// TestReceiverNamesWhoRemains: what is undelivered comes again, alone; what is gone is
// removed.
func TestReceiverNamesWhoRemains(t *testing.T) {
	t.Parallel()
	answer := func(body string) string {
		return `{"status":200,"content_type":"application/json","body":` + fmt.Sprintf("%q", body) + `}`
	}
	devices := func(w *world) {
		for _, user := range []push.Uid{alice, bob} {
			for _, id := range []string{"phone", "tablet"} {
				w.directory.devices[user] = append(w.directory.devices[user], push.Device{ID: id, Provider: "webhook", Token: "t-" + id})
			}
			w.directory.devices[user] = append(w.directory.devices[user], push.Device{ID: "other", Provider: "fcm", Token: "t-other"})
		}
	}
	rest := func(err error) *push.Undelivered {
		u, _ := errors.AsType[*push.Undelivered](err)
		return u
	}
	t.Run("users", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, answer(`{"version":1,"undelivered":[{"user":"`+bob.UserId()+`"}]}`))
		u := rest(w.handle(receipt(alice, bob)))
		if u == nil || len(u.To) != 1 || u.To[bob].Unread != 3 || u.Channel != "" {
			t.Errorf("what remains is %+v, want bob", u)
		}
	})
	t.Run("a device that we do not know", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, answer(`{"version":1,"undelivered":[{"user":"`+bob.UserId()+`","id":"tablet"}],"gone":[{"user":"`+alice.UserId()+`","id":"phone"}]}`))
		u := rest(w.handle(receipt(alice, bob)))
		if u == nil || len(u.To) != 1 || u.To[bob].Unread != 3 || len(w.directory.gone) != 0 {
			t.Errorf("what remains is %+v, and gone is %v; want bob, and nothing", u, w.directory.gone)
		}
	})
	t.Run("nobody has got it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, `{"answer":"undelivered"}`)
		r := receipt(alice, bob)
		r.Channel = "chnA"
		if err := w.handle(r); err == nil || rest(err) != nil {
			t.Errorf("the outcome is %v, want that all of it comes again", err)
		}
	})
	t.Run("devices", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, answer(`{"version":1,"undelivered":[{"user":"`+bob.UserId()+`","id":"tablet"}],"gone":[{"user":"`+alice.UserId()+`","id":"phone"}]}`), `"devices":true`)
		devices(w)
		u := rest(w.handle(receipt(alice, bob)))
		if u == nil || len(u.To) != 1 || !slices.Equal(u.To[bob].Devices, []string{"phone"}) {
			t.Errorf("what remains is %+v, want bob's tablet", u)
		}
		if diff := cmp.Diff([]string{"phone webhook-gone"}, w.directory.gone); diff != "" {
			t.Errorf("gone (-want +got):\n%s", diff)
		}
		if _, _, sent := w.body(); len(sent) != 4 || sent[0].Token == "" || sent[0].Provider != "webhook" {
			t.Errorf("the receiver has got the devices %v", sent)
		}
	})
	t.Run("devices that have it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "", `"devices":true`)
		devices(w)
		r := receipt(alice)
		r.To[alice] = push.Recipient{Devices: []string{"phone"}}
		if err := w.handle(r); err != nil {
			t.Fatal(err)
		}
		if _, _, sent := w.body(); len(sent) != 1 || sent[0].ID != "tablet" {
			t.Errorf("the receiver has got the devices %v, want the tablet", sent)
		}
	})
	t.Run("devices that share an id", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, answer(`{"version":1,"undelivered":[{"user":"`+alice.UserId()+`","id":"phone","kind":"voip"}]}`), `"devices":true`)
		for _, extra := range []*push.Extra{nil, {Kind: "voip"}} {
			w.directory.devices[alice] = append(w.directory.devices[alice], push.Device{ID: "phone", Provider: "webhook", Token: "t", Extra: extra})
		}
		r := receipt(alice)
		for range 2 { // the retry is for the one that remains
			if u := rest(w.handle(r)); u != nil {
				r = receipt()
				r.To = u.To
			}
		}
		if _, _, sent := w.body(); w.fake.Stats().Requests != 2 || len(sent) != 1 || sent[0].More().Kind != "voip" {
			t.Errorf("the retry has the devices %v, want the one for calls", sent)
		}
	})
	t.Run("no device", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "", `"devices":true`)
		r := receipt(alice)
		if err := w.handle(r); err != nil || w.fake.Stats().Requests != 0 {
			t.Errorf("outcome %v after %d requests, want none", err, w.fake.Stats().Requests)
		}
		if told, _ := r.Tallied(); told.Skipped != 1 {
			t.Errorf("told %+v, want one skipped", told)
		}
	})
	t.Run("devices that cannot be read", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "", `"devices":true`)
		devices(w)
		delete(w.directory.devices, bob)
		w.directory.err = &push.UnreadableError{Users: []push.Uid{bob}, Err: errors.New("damaged")}
		u := rest(w.handle(receipt(alice, bob)))
		if u == nil {
			t.Fatal("nothing remains, want bob")
		}
		if _, there := u.To[bob]; len(u.To) != 1 || !there || w.fake.Stats().Accepted != 1 {
			t.Errorf("what remains is %+v, want bob, and alice told", u)
		}
		routes, err := w.handler.(push.Router).Route(t.Context(), receipt(bob))
		if err != nil || len(routes) != 1 || routes[0].Result != push.ResultRetried || routes[0].Why != "damaged" {
			t.Errorf("the route of a receipt to bob is %+v, %v", routes, err)
		}
		if err := w.handle(receipt(bob)); err == nil || w.fake.Stats().Requests != 1 {
			t.Errorf("outcome of a receipt to bob alone is %v after %d requests", err, w.fake.Stats().Requests)
		}
	})
	t.Run("directory is down", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "", `"devices":true`)
		w.directory.err = errors.New("no answer")
		if down, ok := errors.AsType[*push.UnavailableError](w.handle(receipt(alice))); !ok || !down.Directory {
			t.Errorf("the outcome is %v, want that the directory is unavailable", down)
		}
	})
	t.Run("nobody knows what it means", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, answer(`{"version":7,"undelivered":[]}`))
		if err := w.handle(receipt(alice)); err == nil || !strings.Contains(err.Error(), `"version":1`) {
			t.Errorf("the outcome is %v, want an error that says what is read", err)
		}
	})
}

// TestPrivateAddressesAreRefused: unless the config allows them, whatever name leads
// there.
func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://127.0.0.1:1/", "https://localhost:1/", "https://[::1]:1/", "https://10.0.0.1/", "https://169.254.169.254/latest"} {
		h := webhook.New(&directory{})
		if err := h.Init(`{"url":"` + url + `","secrets":["` + secret + `"]}`); err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, handler: h}
		if err := w.handle(receipt(alice)); err == nil || !strings.Contains(err.Error(), "prohibited") {
			t.Errorf("%s: %v, want that the address is refused", url, err)
		}
		h.Stop()
	}
}

// TestRouteShowsTheRequest: without tokens, and without sending.
func TestRouteShowsTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", `"devices":true`)
	w.directory.devices[alice] = []push.Device{{ID: "phone", Provider: "webhook", Token: "do-not-show"}}
	for name, test := range map[string]struct {
		r    *push.Receipt
		want push.Result
	}{
		"a device":  {receipt(alice), push.ResultAccepted},
		"no device": {receipt(bob), push.ResultSkipped},
	} {
		routes, err := w.handler.(push.Router).Route(t.Context(), test.r)
		if err != nil || len(routes) != 1 || routes[0].Result != test.want || strings.Contains(string(routes[0].Message), "do-not-show") {
			t.Errorf("%s: %v, %+v", name, err, routes)
		}
	}
	if n := w.fake.Stats().Requests; n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestCheckAndProbe: both post an event that carries nothing.
func TestCheckAndProbe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rules string
		level push.Level
		up    bool
	}{
		"works":    {"", push.LevelOK, true},
		"disabled": {`{"answer":"disabled"}`, push.LevelFail, false},
		"down":     {`{"answer":"cut"}`, push.LevelFail, false},
	} {
		w := newWorld(t, test.rules)
		found := w.handler.(push.Checker).Check(t.Context())
		if len(found) == 0 || found[0].Level != test.level || found[0].Level == push.LevelFail && found[0].Remedy == "" {
			t.Errorf("%s: found %+v", name, found)
		}
		err := w.handler.(push.Prober).Probe(t.Context())
		_, down := errors.AsType[*push.UnavailableError](err)
		if (err == nil) != test.up || down == test.up {
			t.Errorf("%s: the probe says %v", name, err)
		}
		if n := w.fake.Stats().Accepted; n != 0 {
			t.Errorf("%s: %d test events count as receipts", name, n)
		}
	}
}
