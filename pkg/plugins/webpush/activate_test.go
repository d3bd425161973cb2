package webpush_test

import (
	"strings"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestNothingBeforeActivation: a device that has to be activated gets a test push, and
// what else there is once it is activated; route says why.
func TestNothingBeforeActivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", `"activate":true`)
	d := device(w.fake, "phone", "")
	d.User = alice
	w.directory.devices = func(push.Uid) []push.Device { return []push.Device{d} }
	r := receipt()
	var items []push.Target
	if err := w.handle(r); err != nil {
		t.Fatal(err)
	}
	if items = r.Itemized(); len(items) != 1 || items[0].Result != push.ResultSkipped || !strings.Contains(items[0].Why, "not activated") {
		t.Errorf("what became of it: %+v", items)
	}
	if routes, err := w.handler.(push.Router).Route(t.Context(), receipt()); err != nil || len(routes) != 1 || !strings.Contains(routes[0].Why, "pushworker device test") {
		t.Errorf("Route = %+v, %v", routes, err)
	}
	if !w.handler.(push.Activator).Activates(d) {
		t.Error("the handler does not activate it")
	}
	if tested, ok := w.handler.(push.Tester).Test(t.Context(), d, "TOKEN"); !ok || tested.Result != push.ResultAccepted {
		t.Errorf("Test = %+v, %t", tested, ok)
	}
	if n := w.fake.Stats().Accepted; n != 1 {
		t.Errorf("%d pushes, want the test push", n)
	}
	d.Extra.Activated = true
	if err := w.handle(receipt()); err != nil {
		t.Fatal(err)
	}
	if n := w.fake.Stats().Accepted; n != 2 {
		t.Errorf("%d pushes, want the message, too", n)
	}
}

// TestWhoIsActivated: by default those of servers that only "*" admits.
func TestWhoIsActivated(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]bool{
		`"origins":["*"]`:                                     true,
		`"origins":["*"],"activate":false`:                    false,
		`"origins":["*","https://*.example.com"]`:             false,
		`"origins":["https://*.example.com"]`:                 false,
		`"origins":["https://*.example.com"],"activate":true`: true,
	} {
		w := newWorld(t, "", strings.Split(keys, "!")...)
		d := push.Device{Provider: "webpush", Token: "https://push.example.com/x", Extra: device(w.fake, "phone", "").Extra}
		if got := w.handler.(push.Activator).Activates(d); got != want {
			t.Errorf("%s: %t", keys, got)
		}
		if w.handler.(push.Activator).Activates(push.Device{Provider: "fcm", Token: "x"}) {
			t.Error("it activates a device of FCM")
		}
	}
}
