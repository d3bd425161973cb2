package webpush_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	fakewebpush "github.com/pushworker/pushworker/internal/fake/webpush"
	"github.com/pushworker/pushworker/pkg/plugins/webpush"
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	server := startFake(t, fakewebpush.Options{}, "")
	pushtest.TestHandler(t, pushtest.Subject{
		New: func(testing.TB) (push.Handler, func() int) {
			return webpush.NewPatient(&directory{devices: func(push.Uid) []push.Device { return []push.Device{device(server, "phone", "")} }}), nil
		},
		Config: config(server.URL()),
		Invalid: []string{
			`{}`, config(server.URL(), `"vapid":[]`), config(server.URL(), `"subject":"me"`), config(server.URL(), `"url":"/"`),
			config(server.URL(), `"max_body":9999`), config("push.example.com"),
		},
	})
}

// TestThePushIsReadByItsSubscription: the push server, which is also the browser here,
// takes it by all of its rules, and reads what a browser shows.
func TestThePushIsReadByItsSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	if err := w.handle(receipt()); err != nil {
		t.Fatal(err)
	}
	got := w.fake.Requests()
	if len(got) != 1 || !got[0].Accepted || got[0].Target != "phone" {
		t.Fatalf("the push server has got %+v", got)
	}
	var says struct {
		WebPush      int `json:"web_push"`
		Notification struct {
			Title, Navigate, Body, Tag string
			Data                       map[string]string
		}
		AppBadge int `json:"app_badge"`
	}
	if err := json.Unmarshal(got[0].Body, &says); err != nil {
		t.Fatal(err)
	}
	n := says.Notification
	if says.WebPush != 8030 || n.Title != "New message" || n.Body != "a < b & c" || n.Navigate != "https://chat.example.com/#grpOne?7" || n.Tag != "grpOne" || says.AppBadge != 3 || n.Data["seq"] != "7" {
		t.Errorf("the browser reads %s", got[0].Body)
	}
}

// TestOneAttemptIsOneRequest: whatever the push server or the network does, nothing below
// us tries again by itself, and nobody is told to be served who is not.
func TestOneAttemptIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"internal", "unavailable", "bad-gateway-html", "redirect", "throttled", "away", "vapid-refused", "vapid-missing", "reset", "cut", "close"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, `{"nth":"2-","answer":"`+answer+`"}`)
			if err := w.handle(receipt()); err != nil { // which shows the version of HTTP
				t.Fatal(err)
			}
			err := w.handle(receipt())
			_, permanent := errors.AsType[*push.PermanentError](err)
			if n := w.fake.Stats().Requests; n != 2 || err == nil || permanent || len(w.directory.removed()) > 0 {
				t.Errorf("%d requests, outcome %v, gone %v", n, err, w.directory.removed())
			}
			if err != nil && strings.Contains(err.Error(), "/push/") {
				t.Errorf("the endpoint is shown: %v", err)
			}
		})
	}
}

// TestGone: a subscription that has ended is removed, and the receipt is done.
func TestGone(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"gone", "expired"} {
		w := newWorld(t, `{"token":"phone","answer":"`+answer+`"}`)
		w.has("phone", "laptop")
		if err := w.handle(receipt()); err != nil {
			t.Errorf("%s: %v", answer, err)
		}
		if diff := cmp.Diff([]string{"phone unregistered"}, w.directory.removed()); diff != "" {
			t.Errorf("%s: gone (-want +got):\n%s", answer, diff)
		}
	}
}

// TestRefusedChromiumUsers: what Chrome hands out for a user who has refused is removed
// without a request, and so is a device whose keys are none, once another has got its push.
func TestRefusedChromiumUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	dead, damaged, well := device(w.fake, "dead", ""), device(w.fake, "damaged", ""), device(w.fake, "well", "")
	dead.Token = "https://permanently-removed.invalid/fcm/send/x"
	damaged.Extra = nil
	w.directory.devices = func(push.Uid) []push.Device { return []push.Device{dead, damaged, well} }
	for range 3 {
		_ = w.handle(receipt())
	}
	gone := w.directory.removed()
	if !slices.Contains(gone, "dead unregistered") && !slices.Contains(gone, "dead invalid-subscription") {
		t.Errorf("gone are %v, want the dead one", gone)
	}
	if !slices.Contains(gone, "damaged invalid-subscription") || slices.ContainsFunc(gone, func(s string) bool { return strings.HasPrefix(s, "well") }) {
		t.Errorf("gone are %v, want the damaged one and not the other", gone)
	}
}

// TestKeysAreReplacedWithoutLoss: a device that says its key is sent to with that one; one
// that does not is found the right one for, and removed by none.
func TestKeysAreReplacedWithoutLoss(t *testing.T) {
	t.Parallel()
	both := `"vapid":[{"id":"new","key":"` + keyNew + `"},{"id":"old","key":"` + keyOld + `"}]`
	for name, test := range map[string]struct {
		app, public string
		requests    int64
	}{
		"says the old one": {"old", publicOld, 1},
		"says the new one": {"new", publicNew, 1},
		"has the new one":  {"", publicNew, 1},
		"has the old one":  {"", publicOld, 2},
	} {
		w := worldWith(t, fakewebpush.Options{Keys: []string{test.public}}, "", both)
		w.directory.devices = func(push.Uid) []push.Device { return []push.Device{device(w.fake, "phone", test.app)} }
		err := w.handle(receipt())
		if s := w.fake.Stats(); err != nil || s.Accepted != 1 || s.Requests != test.requests || len(w.directory.removed()) > 0 {
			t.Errorf("%s: %v after %d requests, %d accepted, gone %v", name, err, s.Requests, s.Accepted, w.directory.removed())
		}
	}
	w := worldWith(t, fakewebpush.Options{}, "", both)
	w.directory.devices = func(push.Uid) []push.Device { return []push.Device{device(w.fake, "phone", "older")} }
	if err := w.handle(receipt()); err != nil || w.fake.Stats().Requests != 0 || len(w.directory.removed()) > 0 {
		t.Errorf("a device of a key that is gone: %v after %d requests", err, w.fake.Stats().Requests)
	}
}

// TestWrongKeyEmptiesNoDirectory: a key that no subscription was made with stops the
// origin, and no device is removed. One subscription with another key beside others is.
func TestWrongKeyEmptiesNoDirectory(t *testing.T) {
	t.Parallel()
	w := worldWith(t, fakewebpush.Options{Keys: []string{publicNew}}, "")
	for i := range 60 {
		w.directory.devices = func(push.Uid) []push.Device { return []push.Device{device(w.fake, fmt.Sprint("d", i), "")} }
		if err := w.handle(receipt()); err == nil {
			t.Fatal("a receipt is settled")
		}
	}
	if n := w.fake.Stats().Requests; n != 20 || len(w.directory.removed()) > 0 {
		t.Errorf("%d requests, gone %v; want 20 and none", n, w.directory.removed())
	}
	w = newWorld(t, `{"token":"other","answer":"vapid-mismatch"}`)
	w.has("one")
	if err := w.handle(receipt()); err != nil {
		t.Fatal(err)
	}
	w.has("other", "one")
	if err := w.handle(receipt()); err != nil || !slices.Equal(w.directory.removed(), []string{"other vapid-mismatch"}) {
		t.Errorf("%v, gone %v, want the one with another key", err, w.directory.removed())
	}
}

// TestPrivateAddressesAreRefused: when the connection is made, whatever admits the name,
// and no answer of theirs is seen.
func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]string{
		"named": {`"allow_private":[]`}, "another network": {`"allow_private":["10.0.0.0/8"]`},
	} {
		w := newWorld(t, "", keys...)
		err := w.handle(receipt())
		if s := w.fake.Stats(); err == nil || !strings.Contains(err.Error(), "prohibited") || s.Requests != 0 || s.Connections != 0 {
			t.Errorf("%s: %v after %d connections, want that the address is refused", name, err, s.Connections)
		}
	}
}

// TestAwayForGood: since when nobody is connected to a topic is kept in the directory, so that
// a worker that has just begun knows it; after 12 hours of that the device is removed.
func TestAwayForGood(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ago   time.Duration // 0 if it is not known to fail
		rules string
		gone  []string
		notes []string
	}{
		"for the first time": {0, `{"answer":"away"}`, nil, []string{"phone away"}},
		"for 11 hours":       {11 * time.Hour, `{"answer":"away"}`, nil, nil},
		"for 13 hours":       {13 * time.Hour, `{"answer":"away"}`, []string{"phone away"}, nil},
		"back after 13":      {13 * time.Hour, "", nil, []string{"phone"}},
		"busy after 13":      {13 * time.Hour, `{"answer":"throttled"}`, nil, nil},
		"never away":         {0, "", nil, nil},
	} {
		w := newWorld(t, test.rules)
		phone := device(w.fake, "phone", "")
		if test.ago > 0 {
			phone.Extra.Failing = push.Failing{Why: "away", Since: time.Now().Add(-test.ago)}
		}
		w.directory.devices = func(push.Uid) []push.Device { return []push.Device{phone} }
		_ = w.handle(receipt())
		if diff := cmp.Diff(test.gone, w.directory.removed()); diff != "" {
			t.Errorf("%s: gone (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(test.notes, w.directory.noted()); diff != "" {
			t.Errorf("%s: noted (-want +got):\n%s", name, diff)
		}
	}
}

// TestUnreachableForGood: a device whose push server has had no valid certificate for 7 days is
// removed, but not before others are served.
func TestUnreachableForGood(t *testing.T) {
	t.Parallel()
	secure := startFake(t, fakewebpush.Options{Options: fake.Options{TLS: true}}, "") // by an authority of its own
	w := newWorld(t, "")
	w.handler.Stop()
	if err := w.handler.Init(config(w.fake.URL(), `"origins":["`+w.fake.URL()+`","`+secure.URL()+`"]`)); err != nil {
		t.Fatal(err)
	}
	lost := func(name string, ago time.Duration) push.Device {
		d := device(secure, name, "")
		d.Extra.Failing = push.Failing{Why: "unreachable", Since: time.Now().Add(-ago)}
		return d
	}
	for _, step := range []struct {
		device push.Device
		gone   []string
	}{
		{lost("alone", 8*24*time.Hour), nil},
		{device(w.fake, "well", ""), nil}, // is served
		{lost("early", 6*24*time.Hour), nil},
		{lost("late", 8*24*time.Hour), []string{"late unreachable"}},
	} {
		w.directory.devices = func(push.Uid) []push.Device { return []push.Device{step.device} }
		_ = w.handle(receipt())
		if diff := cmp.Diff(step.gone, w.directory.removed()); diff != "" {
			t.Errorf("%s: gone (-want +got):\n%s", step.device.ID, diff)
		}
	}
}
