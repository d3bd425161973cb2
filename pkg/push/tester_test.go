package push_test

import (
	"context"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// A test push is for a handler that runs and can send one, and a panic is its outcome.
func TestAdapterTests(t *testing.T) {
	t.Parallel()
	device := push.Device{User: 1, ID: "phone"}
	made := func(test func(context.Context, push.Device, string) (push.Tested, bool)) *push.Adapter {
		return push.Adapt(func(string) (push.Work, error) {
			return push.Work{Handle: func(context.Context, *push.Receipt) error { return nil }, Test: test}, nil
		})
	}
	sent := ""
	running := made(func(_ context.Context, d push.Device, token string) (push.Tested, bool) {
		sent = token
		return push.Tested{Target: push.Target{Device: d, Result: push.ResultAccepted}}, true
	})
	if _, ok := running.Test(t.Context(), device, "early"); ok {
		t.Error("a handler that was not initialised has sent")
	}
	panicking := made(func(context.Context, push.Device, string) (push.Tested, bool) { panic("no") })
	without := made(nil)
	for _, a := range []*push.Adapter{running, panicking, without} {
		if err := a.Init(""); err != nil {
			t.Fatal(err)
		}
		defer a.Stop()
	}
	if got, ok := running.Test(t.Context(), device, "token"); !ok || got.Result != push.ResultAccepted || sent != "token" {
		t.Errorf("%+v, %t, sent %q", got, ok, sent)
	}
	if got, ok := panicking.Test(t.Context(), device, "token"); !ok || got.Result != push.ResultRetried || got.Why != "handler panicked (string)" {
		t.Errorf("a panic is %+v, %t", got, ok)
	}
	if _, ok := without.Test(t.Context(), device, "token"); ok {
		t.Error("a handler that cannot has sent")
	}
	running.Stop()
	if _, ok := running.Test(t.Context(), device, "late"); ok || sent != "token" {
		t.Error("a handler that has stopped has sent")
	}
}

// A handler sends to all devices of its provider unless its work says to which, and says so
// after Stop, too.
func TestAdapterReaches(t *testing.T) {
	t.Parallel()
	mine, other := push.Device{ID: "mine"}, push.Device{ID: "other"}
	for _, of := range []struct {
		reaches          func(push.Device) bool
		theMine, theRest bool
	}{{nil, true, true}, {func(d push.Device) bool { return d.ID == "mine" }, true, false}} {
		a := push.Adapt(func(string) (push.Work, error) {
			return push.Work{Handle: func(context.Context, *push.Receipt) error { return nil }, Reaches: of.reaches}, nil
		})
		if a.Reaches(mine) {
			t.Error("a handler that was not initialised reaches a device")
		}
		if err := a.Init(""); err != nil {
			t.Fatal(err)
		}
		a.Stop()
		if a.Reaches(mine) != of.theMine || a.Reaches(other) != of.theRest {
			t.Errorf("reaches %t, %t, want %t, %t", a.Reaches(mine), a.Reaches(other), of.theMine, of.theRest)
		}
	}
}
