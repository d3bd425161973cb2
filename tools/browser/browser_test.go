package browser_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// declarative is a message as docs/webpush.md shows it.
type declarative struct {
	WebPush      int          `json:"web_push"`
	Notification notification `json:"notification"`
	AppBadge     *int         `json:"app_badge"`
	Mutable      bool         `json:"mutable"`
}

type notification struct {
	Title    string            `json:"title"`
	Navigate string            `json:"navigate"`
	Body     string            `json:"body"`
	Tag      string            `json:"tag"`
	Data     map[string]string `json:"data"`
}

// message is what a message of alice's only topic has to be.
func message(seq int, body string) declarative {
	return declarative{
		WebPush: 8030, Mutable: true, AppBadge: new(3),
		Notification: notification{
			Title: "New message", Navigate: "https://chat.example.com/#grpChess", Body: body, Tag: "grpChess",
			Data: map[string]string{"what": "msg", "topic": "grpChess", "seq": strconv.Itoa(seq), "content": body},
		},
	}
}

// TestFirefox has a browser subscribe, get pushes, be away, and unsubscribe. It is one test, because
// each step needs those before it.
func TestFirefox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.subscribe()
	w.isActivated()
	w.isShown()
	w.isExact()
	w.isShortened()
	w.isQuiet()
	w.isReplaced()
	w.unsubscribes()
	w.nothingElse()
}

// subscribe registers the browser as the chat's page would.
func (w *world) subscribe() {
	w.Helper()
	w.eventually("the browser is connected to its push service", w.service.connected)
	var subscription json.RawMessage
	w.site.do("subscribe", map[string]string{"key": w.public}, &subscription)
	w.run("", "device", "put", "--user", alice, "--id", "firefox", "--provider", "webpush", "--platform", "web", "--token", string(subscription))
}

// isActivated: the browser gets a test push, and nothing else until its token has been returned.
func (w *world) isActivated() {
	w.Helper()
	test := w.arrives(1)
	token := test.Notification.Data["test"]
	if test.Notification.Data["what"] != "test" || token == "" {
		w.Fatalf("the test push is %+v", test)
	}
	early := w.publish(map[string]any{"seq": 1, "content": "too early"})
	if said := w.explained(early, "nothing sent"); !strings.Contains(said, "not activated") {
		w.Errorf("explain says of what is too early: %s", said)
	}
	w.returnToken(token)
	if diff := gocmp.Diff([]device{{ID: "firefox", Activated: true}}, w.devices()); diff != "" {
		w.Errorf("device ls (-want +got):\n%s", diff)
	}
}

// isShown: a receipt is what the pages promise, on the way and in the service worker, which shows it.
func (w *world) isShown() {
	w.Helper()
	receipt := w.publish(map[string]any{"seq": 2, "content": "hello"})
	w.equals(w.arrives(2), message(2, "hello"))
	w.explained(receipt, "delivered")
	m := w.last()
	if ttl, err := strconv.Atoi(m.header.Get("TTL")); err != nil || ttl < 1 || ttl > 3600 {
		w.Errorf("TTL is %q, want what is left of an hour", m.header.Get("TTL"))
	}
	if h := m.header; h.Get("Content-Type") != "application/notification+json" || h.Get("Urgency") != "normal" || len(h.Get("Topic")) != 24 {
		w.Errorf("the headers are %v", h)
	}
	w.shows("hello")
}

// isExact: what is not ASCII, and what JSON and scripts escape, arrives as it was.
func (w *world) isExact() {
	w.Helper()
	const content = "Żółć, 漢字, العربية, é, 👩‍👩‍👧‍👦🏳️‍🌈, \"</script>\\ & \u2028\u2029\t\x7f."
	w.publish(map[string]any{"seq": 3, "content": content})
	w.equals(w.arrives(3), message(3, content))
	w.shows(content) // and no longer what it has replaced
}

// isShortened: what is too long is cut between characters, to what docs/webpush.md promises at most.
func (w *world) isShortened() {
	w.Helper()
	const family = "👩‍👩‍👧‍👦"
	w.publish(map[string]any{"seq": 4, "content": strings.Repeat(family, 1000)})
	got := w.arrives(4)
	if rest, cut := strings.CutSuffix(got.Notification.Body, "…"); !cut || strings.ReplaceAll(rest, family, "") != "" {
		w.Errorf("what was too long is %q", got.Notification.Body)
	}
	if n := len(w.last().body); n > 2560 || n < 2000 {
		w.Errorf("the body has %d bytes, want 2,560 at most, and not much less", n)
	}
}

// isQuiet: what shows nothing is data.
func (w *world) isQuiet() {
	w.Helper()
	w.publish(map[string]any{"what": "read", "seq": 4})
	var data map[string]string
	if err := json.Unmarshal([]byte(w.text(5)), &data); err != nil || data["what"] != "read" || data["topic"] != "grpChess" || data["seq"] != "4" {
		w.Errorf("what shows nothing is %s", w.text(5))
	}
	if h := w.last().header; h.Get("Urgency") != "low" || h.Get("Content-Type") != "application/octet-stream" {
		w.Errorf("its headers are %v", h)
	}
}

// isReplaced: of a repetition the browser gets the newest copy when it is back, and of other messages each.
func (w *world) isReplaced() {
	w.Helper()
	w.eventually("the browser has acked what it got", w.service.settled)
	w.service.setClosed(true)
	for _, m := range []map[string]any{{"seq": 5, "content": "first"}, {"seq": 6, "content": "another"}, {"seq": 5, "content": "newest"}} {
		w.explained(w.publish(m), "delivered")
	}
	w.service.setClosed(false)
	got := []declarative{w.arrives(7), w.arrives(6)} // the browser decrypts both at the same time
	slices.SortFunc(got, func(a, b declarative) int { return cmp.Compare(a.Notification.Data["seq"], b.Notification.Data["seq"]) })
	w.equals(got[0], message(5, "newest"))
	w.equals(got[1], message(6, "another"))
}

// unsubscribes: the next push finds out, and the device leaves the directory.
func (w *world) unsubscribes() {
	w.Helper()
	var ended bool
	if w.site.do("unsubscribe", nil, &ended); !ended {
		w.Fatal("the browser has not unsubscribed")
	}
	receipt := w.publish(map[string]any{"seq": 7, "content": "is anybody there?"})
	w.eventually("the device has left", func() bool { return len(w.devices()) == 0 })
	if n := w.service.refusals(http.StatusGone); n != 1 {
		w.Errorf("the push service has answered 410 %d times, want once", n)
	}
	if said := w.explained(receipt, "nothing sent"); !strings.Contains(said, "410") {
		w.Errorf("explain says of a subscription that has ended: %s", said)
	}
}

// nothingElse: the browser got what the steps before have looked at, and could read all of it. Each push
// was tried with the first key, and taken with the second, with which the browser has subscribed.
func (w *world) nothingElse() {
	w.Helper()
	if got := w.site.pushes(); len(got) != 7 {
		w.Errorf("the service worker got %d pushes, want 7: %+v", len(got), got)
	}
	w.eventually("the browser has acked what it got", w.service.settled)
	for _, a := range w.service.acked() {
		if a.Code != 100 {
			w.Errorf("the browser says %d of a message, want 100: it is decrypted and delivered", a.Code)
		}
	}
	if taken, refused := len(w.service.accepted()), w.service.refusals(http.StatusForbidden); taken != 8 || refused != taken {
		w.Errorf("%d pushes were accepted, and %d were signed with another key, want 8 of both", taken, refused)
	}
}

// text waits until the service worker has got n pushes, and returns the last of them.
func (w *world) text(n int) string {
	w.Helper()
	w.eventually("push "+strconv.Itoa(n)+" arrives", func() bool { return len(w.site.pushes()) >= n })
	return w.site.pushes()[n-1].Text
}

// arrives waits for push n, which is declarative.
func (w *world) arrives(n int) declarative {
	w.Helper()
	text := w.text(n)
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var d declarative
	if err := decoder.Decode(&d); err != nil {
		w.Fatalf("%v: %s", err, text)
	}
	return d
}

// equals compares a message with what it has to be; of its data, which have more members, those that want has.
func (w *world) equals(got, want declarative) {
	w.Helper()
	for name := range got.Notification.Data {
		if _, wanted := want.Notification.Data[name]; !wanted {
			delete(got.Notification.Data, name)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		w.Errorf("the service worker got (-want +got):\n%s", diff)
	}
}

// shows: after the last push the browser shows one notification of the conversation, with this body.
func (w *world) shows(body string) {
	w.Helper()
	all := w.site.pushes()
	if diff := gocmp.Diff([]notification{{Title: "New message", Body: body, Tag: "grpChess"}}, all[len(all)-1].Shown); diff != "" {
		w.Errorf("the browser shows (-want +got):\n%s", diff)
	}
}

// last is the message that the push service has accepted last.
func (w *world) last() *posted {
	all := w.service.accepted()
	return all[len(all)-1]
}
