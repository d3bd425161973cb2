package fcm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/push"
)

// channelsOf are what the handler brings.
func channelsOf(t *testing.T, h push.Handler) *push.Channels {
	t.Helper()
	c := h.(push.Channeler).Channels()
	if c == nil {
		t.Fatal("the handler brings no channels")
	}
	return c
}

func devicesWith(tokens ...string) []push.Device {
	all := make([]push.Device, len(tokens))
	for i, token := range tokens {
		all[i] = push.Device{User: alice, ID: token, Provider: "fcm", Token: token}
	}
	return all
}

// TestAChannelsReceiptReachesItsSubscribers: the topic is the one that receipts go to.
func TestAChannelsReceiptReachesItsSubscribers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{})
	c := channelsOf(t, w.Handler)
	set := func(member bool, tokens ...string) {
		t.Helper()
		answers, err := c.Set(t.Context(), "chnnG99YhENiQU", member, devicesWith(tokens...))
		if err != nil || len(answers) != len(tokens) {
			t.Fatalf("Set = %v, %v", answers, err)
		}
		for _, a := range answers {
			if a.Result != push.ResultAccepted {
				t.Errorf("%s: %s", a.Result, a.Why)
			}
		}
	}
	set(true, "one", "two", "three")
	set(false, "two", "four")
	r := receiptTo()
	r.Channel = "chnnG99YhENiQU"
	if err := w.Handle(r); err != nil {
		t.Fatal(err)
	}
	sent := w.fake.Requests()
	if len(sent) != 1 || sent[0].Target != "/topics/chnnG99YhENiQU" {
		t.Fatalf("%d messages, want one to the topic", len(sent))
	}
	if diff := cmp.Diff([]string{"one", "three"}, sent[0].Subscribers); diff != "" {
		t.Errorf("who gets it (-want +got):\n%s", diff)
	}
}

// TestEachTokensAnswer: 1,000 tokens are one request, and each gets its own answer.
func TestEachTokensAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t,
		`{"endpoint":"iid","token":"dead","answer":"unregistered"},{"endpoint":"iid","token":"bad","answer":"invalid-token"},`+
			`{"endpoint":"iid","token":"alien","answer":"sender-mismatch"},{"endpoint":"iid","token":"busy","answer":"internal"}`)}})
	c := channelsOf(t, w.Handler)
	tokens := []string{"dead", "bad", "alien", "busy"}
	for i := range c.Batch - len(tokens) {
		tokens = append(tokens, fmt.Sprint("good-", i))
	}
	answers, err := c.Set(t.Context(), "chnX", true, devicesWith(tokens...))
	if err != nil {
		t.Fatal(err)
	}
	want := []push.Result{push.ResultGone, push.ResultRejected, push.ResultRejected, push.ResultRetried}
	for i, a := range answers {
		expected := push.ResultAccepted
		if i < len(want) {
			expected = want[i]
		}
		if a.Result != expected || a.Device.Token != tokens[i] || strings.Contains(a.Why, tokens[i]) {
			t.Errorf("%s: %s, %q, want %s", tokens[i], a.Result, a.Why, expected)
		}
	}
	if !w.fake.Subscribed("chnX", "good-0") || w.fake.Subscribed("chnX", "dead") {
		t.Error("the answers are not of those tokens")
	}
}

// TestTopicsCannotBeChanged: the error says what to do, and quotes nothing that was sent
// or answered.
func TestTopicsCannotBeChanged(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"auth": "replace the service account's key", "permission-denied": "role", "internal": "answers 500", "close": "no answer",
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"endpoint":"iid","answer":"`+answer+`"}`)}})
			_, err := channelsOf(t, w.Handler).Set(t.Context(), "chnX", true, devicesWith("secret-token"))
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Set = %v, want that %s", err, want)
			}
			if _, never := errors.AsType[*push.PermanentError](err); never {
				t.Error("it would not be tried again")
			}
		})
	}
}

func TestAChannelThatIsNoTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{})
	_, err := channelsOf(t, w.Handler).Set(t.Context(), "chn/x", true, devicesWith("one"))
	if _, never := errors.AsType[*push.PermanentError](err); !never {
		t.Errorf("Set = %v, want that it is never tried again", err)
	}
}

// TestWhoseDevicesAreSubscribed: those of the handler's apps, and nobody's by a handler
// that only checks.
func TestWhoseDevicesAreSubscribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{}, `"apps":["eu"]`)
	c := channelsOf(t, w.Handler)
	ours := push.Device{Provider: "fcm", Token: "t", Extra: &push.Extra{App: "eu"}}
	for _, d := range []push.Device{{Provider: "fcm", Token: "t"}, {Provider: "apns", Token: "t", Extra: ours.Extra}, {Provider: "fcm", Extra: ours.Extra}} {
		if c.Mine(d) {
			t.Errorf("%s is the handler's", d)
		}
	}
	if !c.Mine(ours) || c.Provider != "fcm" {
		t.Error("a device of its app is not the handler's")
	}
	dry := newWorld(t, fakefcm.Options{}, `"dry_run":true`)
	if dry.Handler.(push.Channeler).Channels() != nil {
		t.Error("a handler that delivers nothing subscribes devices")
	}
}
