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
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// TestHandlerKeepsItsPromises is the suite of every handler.
func TestHandlerKeepsItsPromises(t *testing.T) {
	s := startFake(t, fakeapns.Options{})
	everybody := &directory{devices: make(map[push.Uid][]push.Device)}
	for user := range push.Uid(200) {
		everybody.put(push.Device{User: user, ID: "phone", Provider: "apns", Token: token(fmt.Sprint(user))})
	}
	pushtest.TestHandler(t, pushtest.Subject{
		New:     func(testing.TB) (push.Handler, func() int) { return apns.New(everybody), nil },
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
		w.mustHandle(step.receipt)
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
	w.mustHandle(receiptTo(alice))
	if diff := cmp.Diff([]verdict{{"old", "unregistered", since}}, w.directory.verdicts(), cmp.AllowUnexported(verdict{})); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
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
		w.directory.put(push.Device{User: user, ID: strconv.Itoa(i), Provider: "apns", Token: "5a" + token(strconv.Itoa(i))[2:]})
	}
	var last error
	for _, u := range users {
		last = w.handle(receiptTo(u))
	}
	if n := len(w.directory.verdicts()); n >= 20 {
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
	err := w.handle(receiptTo(users[0]))
	if _, down := errors.AsType[*push.UnavailableError](err); !down || !strings.Contains(err.Error(), "key_id") {
		t.Errorf("outcome is %v, want that APNs is unavailable, and the key's part in it", err)
	}
	if len(w.directory.verdicts()) != 0 {
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
