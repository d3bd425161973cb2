package fcm_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestProbe: the handler finds out without a receipt that FCM is down, and that it
// is back, and then sends at once; what it asks with reaches nobody.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]string{
		"down":        `{"answer":"unavailable"}`,
		"unreachable": `{"answer":"close"}`,
		"401":         `{"answer":"auth"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, down)}}, `"ramp":"1ms"`)
			token := w.register(alice, "phone")
			probe := func() error { return w.Handler.(push.Prober).Probe(t.Context()) }
			if err := w.Handle(receiptTo(alice)); err == nil {
				t.Fatal("FCM is not down")
			}
			if _, ok := errors.AsType[*push.UnavailableError](probe()); !ok {
				t.Errorf("while FCM is down the probe says %v", probe())
			}
			if err := w.fake.SetScript(rules(t, "")); err != nil {
				t.Fatal(err)
			}
			for until := time.Now().Add(patience); probe() != nil; w.pause(100 * time.Millisecond) {
				if time.Now().After(until) {
					t.Fatalf("FCM is back and the probe says %v", probe())
				}
			}
			if err := w.Handle(receiptTo(alice)); err != nil {
				t.Errorf("after the probe: %v", err)
			}
			if got := w.fake.Stats().Accepted; got != 1 || w.fake.Count(token).Accepted != 1 {
				t.Errorf("%d messages were accepted, want the one", got)
			}
		})
	}
}

// TestRefusedForOneReason: the reason of refusals is the same for all whom they
// concern.
func TestRefusedForOneReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"answer":"invalid-argument"}`)}})
	reasons := make(map[string]bool)
	users, _ := w.crowd(5)
	for _, u := range append(users, alice) {
		w.register(u, "other-"+u.String())
		err := w.Handle(receiptTo(u))
		refused, ok := errors.AsType[*push.PermanentError](err)
		if !ok || refused.Reason == "" {
			t.Fatalf("outcome is %v", err)
		}
		reasons[refused.Reason] = true
	}
	if len(reasons) != 1 {
		t.Errorf("reasons are %v, want one", reasons)
	}
}
