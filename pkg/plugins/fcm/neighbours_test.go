package fcm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestNeighboursOfOne: one iPhone that always gets an answer which speaks of more than
// it, or none at all, is as busy as ten good ones together; every message to them
// arrives at once, in one attempt.
func TestNeighboursOfOne(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"third-party-auth", "apns-environment", "apns-topic", "apns-unavailable", "apns-bad-token",
		"sender-mismatch", "auth", "permission-denied", "quota-project", "quota-device", "quota-topic",
		"unavailable", "internal", "bad-gateway-html", "not-found", "not-found-html", "stall", "reset",
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			w := newPlainWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"bad","answer":"`+answer+`"}`)}})
			iPhone := func(user push.Uid, token string) {
				w.Directory.Put(push.Device{User: user, ID: "phone", Provider: "fcm", Platform: "ios", Token: token})
			}
			iPhone(bob, "bad")
			const crowd, rounds = 10, 30
			for i := range crowd {
				iPhone(push.Uid(0x7000+i), fmt.Sprintf("good-%d", i))
			}
			for range rounds {
				for i := range crowd {
					w.Offer(receiptTo(bob))
					if err := w.Handle(receiptTo(push.Uid(0x7000 + i))); err != nil {
						t.Fatalf("a neighbour: %v", err)
					}
				}
			}
			for i := range crowd {
				if n := w.fake.Count(fmt.Sprintf("good-%d", i)); n.Accepted != rounds || n.Requests != rounds {
					t.Errorf("good-%d has got %d of %d in %d requests", i, n.Accepted, rounds, n.Requests)
				}
			}
			w.stopNow()
		})
	}
}

// TestApplesVerdict: what Apple has said to FCM decides, and the error says it.
func TestApplesVerdict(t *testing.T) {
	t.Parallel()
	w := newPlainWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"removed","answer":"apns-unregistered"},`+
		`{"token":"bent","answer":"apns-bad-token"},{"token":"large","answer":"apns-too-large"}`)}})
	for i, id := range []string{"removed", "bent", "large"} {
		w.register(push.Uid(0x2000+i), id)
	}
	w.Directory.Put(push.Device{User: alice, ID: "phone", Provider: "fcm", Platform: "ios", Token: "good"})
	if err := w.Handle(receiptTo(alice)); err != nil { // the key is Apple's
		t.Fatal(err)
	}
	for i, reason := range []string{"unregistered", "apns-bad-token"} {
		if err := w.Handle(receiptTo(push.Uid(0x2000 + i))); err != nil {
			t.Errorf("%s: %v", reason, err)
		}
		if gone := w.Directory.Verdicts(); len(gone) != i+1 || gone[i].Reason != reason {
			t.Errorf("tokens that are gone: %+v, want the last for %s", gone, reason)
		}
	}
	err := w.Handle(receiptTo(0x2002))
	if _, ok := errors.AsType[*push.PermanentError](err); !ok || !strings.Contains(err.Error(), "Apple 413 PayloadTooLarge: check the apns section") {
		t.Errorf("outcome is %v", err)
	}
}
