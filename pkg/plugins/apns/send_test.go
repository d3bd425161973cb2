package apns_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	"github.com/pushworker/pushworker/pkg/plugins/apns"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// TestHandlerKeepsItsPromises is the suite of every handler.
func TestHandlerKeepsItsPromises(t *testing.T) {
	s := startFake(t, fakeapns.Options{})
	everybody := &linetest.Directory{}
	for user := range push.Uid(200) {
		everybody.Put(push.Device{User: user, ID: "phone", Provider: "apns", Token: token(fmt.Sprint(user))})
	}
	pushtest.TestHandler(t, pushtest.Subject{
		New:     func(testing.TB) (push.Handler, func() int) { return apns.NewPatient(everybody), nil },
		Config:  config(s),
		Invalid: []string{`{}`, config(s, `"key":"secret"`), config(s, `"topic":"no bundle"`), config(s, `"endpoint":"http://127.0.0.1"`)},
	})
}

// TestOnePhone: a message goes to the token for alerts and never to the one for calls; a
// call that rings goes to the one for calls, and not to both; that it is over, an alert says.
func TestOnePhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeapns.Options{})
	alert, voip := w.register(alice, "phone", ""), w.register(alice, "phone", "voip")
	other := w.register(alice, "pad", "")
	over := callTo(alice)
	over.Payload.Webrtc, over.Payload.Replace = "finished", ":1"
	for name, step := range map[string]struct {
		receipt *push.Receipt
		want    map[string]string // push type and topic by token
	}{
		"message":     {receiptTo(alice), map[string]string{alert.Token: "alert " + bundle, other.Token: "alert " + bundle}},
		"call":        {callTo(alice), map[string]string{voip.Token: "voip " + bundle + ".voip", other.Token: "alert " + bundle}},
		"call over":   {over, map[string]string{alert.Token: "alert " + bundle, other.Token: "alert " + bundle}},
		"call of own": {callTo(bob), nil},
	} {
		w.fake.Reset()
		if name == "call of own" {
			w.register(bob, "bob", "voip")
		}
		w.MustHandle(step.receipt)
		got := make(map[string]string)
		for token, requests := range w.got() {
			got[token] = requests[0].Header["apns-push-type"] + " " + requests[0].Project
		}
		if step.want == nil {
			step.want = map[string]string{}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestDeadToken: a 410 removes the device as of the time that Apple names, and not the
// one beside it.
func TestDeadToken(t *testing.T) {
	t.Parallel()
	since := time.Now().Add(-2 * time.Hour).Truncate(time.Millisecond)
	w := newWorld(t, rules(t, fmt.Sprintf(`{"token":"%s","status":410,"content_type":"application/json","body":"{\"reason\":\"Unregistered\",\"timestamp\":%d}"}`, token("old"), since.UnixMilli())))
	w.register(alice, "old", "")
	w.register(alice, "new", "")
	w.MustHandle(receiptTo(alice))
	if gone := w.Directory.Verdicts(); len(gone) != 1 || gone[0].Device.ID != "old" || gone[0].Reason != "unregistered" || !gone[0].AsOf.Equal(since) {
		t.Errorf("gone are %v, want the old one as of %s", gone, since)
	}
	if n := w.fake.Count(token("new")).Accepted; n != 1 {
		t.Errorf("the other device got %d", n)
	}
}

// TestSandboxMixUp: when all tokens are bad the app's group stops, and no device is removed
// but those that were bad beside good ones.
func TestSandboxMixUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rules(t, `{"from":"0s","answer":"bad-device-token","token":"5a*"}`))
	good := w.crowd(1)
	if failed := w.offerAll(good); failed != 0 {
		t.Fatal("the good one failed")
	}
	const many = 60
	var users []push.Uid
	for i := range many {
		user := push.Uid(0x9000 + i)
		users = append(users, user)
		w.Directory.Put(push.Device{User: user, ID: strconv.Itoa(i), Provider: "apns", Token: "5a" + token(strconv.Itoa(i))[2:]})
	}
	var last error
	for _, u := range users {
		last = w.Handle(receiptTo(u))
	}
	if n := len(w.Directory.Verdicts()); n >= 20 {
		t.Errorf("%d devices were removed", n)
	}
	if n := w.fake.Stats().Requests; n > 30 {
		t.Errorf("%d requests were made", n)
	}
	var wait *push.RetryAfterError
	if !errors.As(last, &wait) || !strings.Contains(last.Error(), "environment") {
		t.Errorf("the last outcome is %v, want a wait and what to check", last)
	}
}

// TestCredentials: what Apple says of the key stops the lane and removes nothing.
func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeapns.Options{})
	w.fake.Revoke()
	users := w.crowd(30)
	w.offerAll(users)
	err := w.Handle(receiptTo(users[0]))
	if _, down := errors.AsType[*push.UnavailableError](err); !down || !strings.Contains(err.Error(), "key_id") {
		t.Errorf("outcome is %v, want that APNs is unavailable, and the key's part in it", err)
	}
	if len(w.Directory.Verdicts()) != 0 {
		t.Error("devices were removed")
	}
}

// TestConnections: with a peer that allows one stream at first, and 50 after the first
// answer, there are as many connections as the requests in flight ask for, and not one more.
func TestConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeapns.Options{Options: fake.Options{MaxStreams: 50, Latency: 20 * time.Millisecond}}, `"max_in_flight":360`)
	if failed := w.offerAll(w.crowd(1000)); failed != 0 {
		t.Errorf("%d receipts failed", failed)
	}
	s := w.fake.Stats()
	if s.Connections != 4 || s.MaxStreamsOfOne > 50 || s.MaxStreamsOfOne == 1 || s.Tokens != 1 {
		t.Errorf("stats are %+v, want 4 connections, of more than one stream and 50 at most, and one token", s)
	}
}

// TestTopicOfLater: a connection knows the topics that the key had when it was made. One that
// refuses a topic takes no more pushes, so that a bundle id that was added later is reached; of
// several refusals in a minute one has that effect.
func TestTopicOfLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rules(t, `{"token":"`+token("none")+`","answer":"topic-disallowed"},{"token":"`+token("other")+`","answer":"topic-disallowed"}`))
	w.register(alice, "phone", "")
	w.register(bob, "none", "")
	for i, want := range []int64{1, 2, 2} { // connections, after a push to alice
		w.MustHandle(receiptTo(alice))
		if n := w.fake.Stats().Connections; n != want {
			t.Errorf("round %d: %d connections, want %d", i, n, want)
		}
		if i == 1 {
			w.register(carol, "other", "")
			w.refused(carol)
		} else {
			w.refused(bob)
		}
	}
}

// refused has a push to user refused because of its topic.
func (w *world) refused(user push.Uid) {
	w.Helper()
	if err := w.Handle(receiptTo(user)); err == nil || !strings.Contains(err.Error(), "TopicDisallowed") {
		w.Errorf("the outcome is %v, want TopicDisallowed", err)
	}
}

// TestOtherPushType: tokens of which each push is of one type get data alone, with the
// handler's own aps, to a topic that ends as Apple wants it.
func TestOtherPushType(t *testing.T) {
	t.Parallel()
	const topic = bundle + ".push-type.widgets"
	w := newWorld(t, fakeapns.Options{}, `"push_type":"widgets","aps":{"content-changed":true}`, `"topic":"`+topic+`"`)
	d := w.register(alice, "phone", "")
	w.register(alice, "phone", "voip") // of another handler
	w.MustHandle(receiptTo(alice))
	got := w.got()
	if len(got) != 1 || len(got[d.Token]) != 1 {
		t.Fatalf("the fake got %v", got)
	}
	one := got[d.Token][0]
	if one.Project != topic || one.Header["apns-push-type"] != "widgets" || !strings.HasPrefix(string(one.Body), `{"aps":{"content-changed":true},"`) || !strings.Contains(string(one.Body), `"seq":"1"`) {
		t.Errorf("the push is %+v: %s", one, one.Body)
	}
}

// TestSandboxNamesThePush: who wants to look a push up in Apple's console is told its name.
func TestSandboxNamesThePush(t *testing.T) {
	t.Parallel()
	for sandbox, begins := range map[bool]string{true: "5a", false: "00"} {
		w := newWorld(t, fakeapns.Options{Sandbox: sandbox})
		w.Directory.Put(push.Device{User: alice, ID: "phone", Provider: "apns", Token: begins + token("phone")[2:]})
		r := receiptTo(alice)
		w.MustHandle(r)
		told := r.Itemized()
		if len(told) != 1 || told[0].Result != push.ResultAccepted || (told[0].UniqueID != "") != sandbox {
			t.Errorf("sandbox %t: told %+v", sandbox, told)
		}
	}
}

// TestQuietPushes: what only wakes the app is sent once in the interval, and what shows
// something is not held up by it.
func TestQuietPushes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeapns.Options{})
	d := w.register(alice, "phone", "")
	quiet := func() *push.Receipt {
		r := linetest.Message(push.Recipient{Unread: -1}, alice)
		r.Payload.What, r.Payload.Content = push.ActRead, nil
		return r
	}
	older := quiet()
	older.Payload.Timestamp = time.Now().Add(-time.Minute)
	w.MustHandle(quiet())
	err := w.Handle(quiet())
	var wait *push.RetryAfterError
	if !errors.As(err, &wait) || wait.After < 19*time.Minute || wait.After > 20*time.Minute || !errors.Is(err, push.ErrNotStarted) {
		t.Errorf("the second has the outcome %v, want a wait of 20 minutes that is no attempt", err)
	}
	w.MustHandle(older)
	if told := older.Itemized(); len(told) != 1 || told[0].Result != push.ResultSkipped || !strings.Contains(told[0].Why, "newer") {
		t.Errorf("an older one is told as %+v, want skipped", told)
	}
	w.MustHandle(receiptTo(alice))
	var kinds []string
	for _, r := range w.got()[d.Token] {
		kinds = append(kinds, r.Header["apns-push-type"])
	}
	if diff := cmp.Diff([]string{"background", "alert"}, kinds); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}
