package fcm_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	fakefcm "github.com/pushworker/pushworker/internal/fake/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

func TestConformance(t *testing.T) {
	fake := startFake(t, fakefcm.Options{})
	account, err := fake.ServiceAccount("project")
	if err != nil {
		t.Fatal(err)
	}
	pushtest.TestHandler(t, pushtest.Subject{
		New: func(testing.TB) (push.Handler, func() int) {
			return fcm.NewPatient(&everybody{}), nil
		},
		Config: config(fake, `"credentials":`+string(account)),
		Invalid: []string{
			`{}`, `{"credentials_file":"/nowhere/key.json"}`, config(fake, `"credentials":{"type":"user"}`),
			`{"credentials":` + string(account) + `,"max_in_flight":-1}`,
		},
	})
}

// TestOneAttemptIsOneRequest: whatever FCM or the network does, nothing below us
// tries again by itself, and the outcome asks for another attempt.
func TestOneAttemptIsOneRequest(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"unavailable", "internal", "unspecified", "bad-gateway-html", "gateway-timeout-html",
		"service-unavailable-html", "reset", "cut", "close",
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"answer":"`+answer+`"}`)}})
			token := w.register(alice, "a-token")
			err := w.Handle(receiptTo(alice))
			if n := w.fake.Count(token).Requests; n != 1 {
				t.Errorf("%d requests in one attempt", n)
			}
			wantPlain(t, err)
			if strings.Contains(err.Error(), token) {
				t.Errorf("the error quotes the token: %v", err)
			}
		})
	}
}

// TestForeignAnswers: what a proxy answers, or the server of a wrong endpoint, refuses
// no message and removes no device, and is no attempt.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{
		"404 without a reason": `{"answer":"not-found"}`,
		"a page's 404":         `{"answer":"not-found-html"}`,
		"a proxy's 405":        `{"status":405}`,
		"a proxy's 400":        `{"status":400,"body":"registration token"}`,
		"a proxy's 403":        `{"status":403,"body":"<html>"}`,
		"413":                  `{"status":413}`,
		"451":                  `{"status":451,"body":"<html>"}`,
		"511":                  `{"status":511,"body":"<html>"}`,
		"a page":               `{"status":200,"body":"<html>"}`,
		"201":                  `{"status":201,"body":"{\"name\":\"projects/p/messages/1\"}"}`,
		"nothing":              `{"status":200}`,
		"null":                 `{"status":200,"body":"null"}`,
		"an empty object":      `{"status":200,"body":"{}"}`,
		"an empty name":        `{"status":200,"body":"{\"name\":\"\"}"}`,
		"somebody's name":      `{"status":200,"body":"{\"name\":\"proxy-7\"}"}`,
		"an error":             `{"status":200,"body":"{\"error\":{\"code\":404,\"status\":\"NOT_FOUND\"}}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPlainWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, rule)}})
			token := w.register(alice, "a-token")
			err := w.Handle(receiptTo(alice))
			if told, ok := errors.AsType[*push.RetryAfterError](err); !ok || told.After <= 0 || !errors.Is(err, push.ErrNotStarted) {
				t.Errorf("outcome is %v, want one that comes back and is no attempt", err)
			} else if !strings.Contains(err.Error(), "check") || strings.Contains(err.Error(), token) {
				t.Errorf("error is %q, want one that says what to check, without the token", err)
			}
			users, _ := w.crowd(50)
			down, ok := errors.AsType[*push.UnavailableError](w.Handle(receiptTo(users...)))
			if !ok || !strings.Contains(down.Error(), "check") {
				t.Errorf("outcome for many is %v, want an outage that says what to check", down)
			}
			if n := len(w.Directory.Verdicts()); n != 0 || w.fake.Stats().Accepted != 0 {
				t.Errorf("%d devices are gone", n)
			}
		})
	}
}

// wantPlain wants an error that counts as an attempt and says nothing more.
func wantPlain(t *testing.T, err error) {
	t.Helper()
	_, permanent := errors.AsType[*push.PermanentError](err)
	_, after := errors.AsType[*push.RetryAfterError](err)
	_, down := errors.AsType[*push.UnavailableError](err)
	if err == nil || permanent || after || down || errors.Is(err, push.ErrNotStarted) {
		t.Errorf("outcome is %v (%T), want one that is tried again", err, err)
	}
}

// TestOnlyWhatFailedIsRepeated: 500 users of whom 3 fail twice.
func TestOnlyWhatFailedIsRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"token-0007","nth":"1-2","answer":"internal"},`+
		`{"token":"token-0250","nth":"1-2","answer":"unavailable"},`+
		`{"token":"token-0499","nth":"1-2","answer":"reset"}`)}})
	users, tokens := w.crowd(500)
	r := receiptTo(users...)
	if rounds := w.drive(r); rounds != 3 {
		t.Errorf("%d rounds, want 3", rounds)
	}
	w.wantOnce(tokens)
	got := make(map[int64]int)
	for _, token := range tokens {
		got[w.fake.Count(token).Requests]++
	}
	if diff := cmp.Diff(map[int64]int{1: 497, 3: 3}, got); diff != "" {
		t.Errorf("tokens by number of requests (-want +got):\n%s", diff)
	}
}

// TestManyDevicesOfOneUser: the ledger tells the devices of a user apart, and two
// users whose devices have the same name.
func TestManyDevicesOfOneUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"flaky-*","nth":"1","answer":"unavailable"}`)}})
	for user, prefix := range map[push.Uid]string{alice: "flaky-", bob: ""} {
		for _, id := range []string{"phone", "tablet"} {
			token := prefix + id + user.String()
			if user == bob && id == "phone" {
				token = "flaky-" + token
			}
			w.Directory.Put(push.Device{User: user, ID: id, Platform: "ios", Token: token})
		}
	}
	r := receiptTo(alice, bob)
	r.Channel = "chnNews"
	err := w.Handle(r)
	part, ok := errors.AsType[*push.Undelivered](err)
	if !ok {
		t.Fatalf("outcome is %v", err)
	}
	want := map[push.Uid]push.Recipient{alice: {}, bob: {Devices: []string{"tablet"}}}
	if diff := cmp.Diff(want, part.To); diff != "" || part.Channel != "" {
		t.Errorf("what remains (-want +got), channel %q:\n%s", part.Channel, diff)
	}
	if got, _ := r.Tallied(); got != (push.Targets{Accepted: 2, Retried: 3}) {
		t.Errorf("tally is %+v", got)
	}
	r.To, r.Channel = part.To, part.Channel
	if err := w.Handle(r); err != nil {
		t.Errorf("second round: %v", err)
	}
	if got, _ := r.Tallied(); got != (push.Targets{Accepted: 3, Skipped: 1}) {
		t.Errorf("tally of the second round is %+v", got)
	}
	for _, item := range r.Itemized() {
		want := push.Target{Device: item.Device, Result: push.ResultAccepted}
		if item.Device.ID == "tablet" && item.Device.User == bob {
			want.Result, want.Why = push.ResultSkipped, "the device already has the packet"
		}
		if diff := cmp.Diff(want, item); diff != "" {
			t.Errorf("target of the second round (-want +got):\n%s", diff)
		}
	}
	if n := len(r.Itemized()); n != 4 {
		t.Errorf("%d targets of the second round are listed, want 4", n)
	}
	for target, n := range w.fake.Counts() {
		if n.Accepted != 1 {
			t.Errorf("%s was accepted %d times", target, n.Accepted)
		}
	}
	if len(w.fake.Counts()) != 5 {
		t.Errorf("targets are %v", w.fake.Counts())
	}
}

// TestNeighbours: each target has its own fate.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"dead","answer":"unregistered"},{"token":"alien","answer":"sender-mismatch"},`+
		`{"token":"bent","answer":"invalid-token"},{"token":"odd","answer":"invalid-argument"},{"token":"weak","answer":"internal"}`)}})
	for i, id := range []string{"dead", "alien", "bent", "odd", "weak", "good"} {
		w.register(push.Uid(0x2000+i), id)
	}
	if err := w.Handle(receiptTo(0x2005)); err != nil { // the project is ours
		t.Fatal(err)
	}
	before := time.Now()
	r := receiptTo(0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, alice)
	part, ok := errors.AsType[*push.Undelivered](w.Handle(r))
	if !ok {
		t.Fatal("nothing of it remains")
	}
	if diff := cmp.Diff(map[push.Uid]push.Recipient{0x2004: {}}, part.To); diff != "" {
		t.Errorf("what remains (-want +got):\n%s", diff)
	}
	if part.Rejected == nil || !strings.Contains(part.Rejected.Error(), push.Uid(0x2003).UserId()) {
		t.Errorf("rejected is %v, want the one whose message is odd", part.Rejected)
	}
	if got, _ := r.Tallied(); got != (push.Targets{Accepted: 1, Skipped: 1, Gone: 3, Rejected: 1, Retried: 1}) {
		t.Errorf("tally is %+v", got)
	}
	reasons := make(map[string]string)
	for _, v := range w.Directory.Verdicts() {
		reasons[v.Device.Token] = v.Reason
		if v.AsOf.Before(before) || v.AsOf.After(sentAt(t, w.fake, v.Device.Token)) {
			t.Errorf("%s is dead as of %s", v.Device.Token, v.AsOf)
		}
	}
	want := map[string]string{"dead": "unregistered", "alien": "sender-mismatch", "bent": "invalid-token"}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("tokens reported dead (-want +got):\n%s", diff)
	}
}

func sentAt(t *testing.T, fake *fakefcm.Server, token string) time.Time {
	t.Helper()
	for _, r := range fake.Requests() {
		if r.Target == token {
			return r.Time
		}
	}
	t.Fatalf("%s was not sent to", token)
	return time.Time{}
}

// TestRefusedForGood: a receipt with nothing left but refusals is for the dead
// letters, which say whom they concern.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"odd","answer":"invalid-argument"}`)}})
	w.register(alice, "odd")
	w.register(bob, "good")
	for name, users := range map[string][]push.Uid{"alone": {alice}, "among others": {alice, bob}} {
		err := w.Handle(receiptTo(users...))
		if _, ok := errors.AsType[*push.PermanentError](err); !ok || !strings.Contains(err.Error(), alice.UserId()) {
			t.Errorf("%s: %v", name, err)
		}
		if part, ok := errors.AsType[*push.Undelivered](err); ok != (len(users) == 2) {
			t.Errorf("%s: %v", name, err)
		} else if ok && (len(part.To) != 1 || len(part.To[alice].Devices) != 0) {
			t.Errorf("%s: to %v, want the refused one", name, part.To)
		}
	}
}

// TestDirectoryDown: nothing is known about anybody, so nothing is lost.
func TestDirectoryDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{Options: fake.Options{Script: rules(t, `{"token":"dead","answer":"unregistered"}`)}})
	w.register(alice, "dead")
	w.Directory.Fail(errors.New("no broker"), nil)
	if down, ok := errors.AsType[*push.UnavailableError](w.Handle(receiptTo(alice))); !ok || !down.Directory {
		t.Error("a directory that is down is not said to be")
	}
	w.Directory.Fail(nil, errors.New("no broker"))
	wantPlain(t, w.Handle(receiptTo(alice))) // so that it is reported again
}

// TestSkipped: who needs no push costs no request and no attempt.
func TestSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{})
	w.register(alice, "has-it")
	w.Directory.Put(push.Device{User: alice, ID: "pigeon", Provider: "pigeon", Token: "t"})
	w.Directory.Put(push.Device{User: bob, ID: "blank", Provider: "fcm"})
	r := receiptTo(alice, bob)
	r.To[alice] = push.Recipient{Devices: []string{"has-it"}}
	if err := w.Handle(r); err != nil {
		t.Error(err)
	}
	if got, _ := r.Tallied(); got != (push.Targets{Skipped: 2}) {
		t.Errorf("tally is %+v", got)
	}
	unknown := receiptTo(alice)
	unknown.Payload.What = "wave"
	if err := w.Handle(unknown); err != nil {
		t.Errorf("an unknown action: %v", err)
	}
	old := receiptTo(alice)
	old.Payload.Timestamp = time.Now().Add(-2 * time.Hour)
	if err := w.Handle(old); !errors.Is(err, push.ErrExpired) {
		t.Errorf("an old receipt: %v", err)
	}
	if n := w.fake.Stats().Requests; n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestListedElsewhere: a device id means a device of the user who lists it; a token
// means the device that has it, whoever lists it, as in Tinode.
func TestListedElsewhere(t *testing.T) {
	t.Parallel()
	phone := func(user push.Uid, token string) push.Device {
		return push.Device{User: user, ID: "phone", Provider: "fcm", Platform: "android", Token: token}
	}
	tests := map[string]struct {
		devices []push.Device
		lists   map[push.Uid][]string
		want    []string // tokens that get it
	}{
		"both have a phone, one lists it": {
			[]push.Device{phone(alice, "a"), phone(bob, "b")}, map[push.Uid][]string{alice: {"phone"}}, []string{"b"},
		},
		"who lists it has none": {
			[]push.Device{phone(bob, "b")}, map[push.Uid][]string{alice: {"phone"}}, []string{"b"},
		},
		"both list it": {
			[]push.Device{phone(alice, "a"), phone(bob, "b")}, map[push.Uid][]string{alice: {"phone"}, bob: {"phone"}}, nil,
		},
		"a token of the user's own": {
			[]push.Device{phone(alice, "a"), phone(bob, "b")}, map[push.Uid][]string{alice: {"a"}}, []string{"b"},
		},
		"a token of somebody else's": {
			[]push.Device{phone(alice, "a"), phone(bob, "b")}, map[push.Uid][]string{alice: {"b"}}, []string{"a"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakefcm.Options{})
			for _, d := range tt.devices {
				w.Directory.Put(d)
			}
			r := receiptTo(alice, bob)
			for user, ids := range tt.lists {
				r.To[user] = push.Recipient{Devices: ids}
			}
			if err := w.Handle(r); err != nil {
				t.Error(err)
			}
			var got []string
			for token, n := range w.fake.Counts() {
				if n.Accepted > 0 {
					got = append(got, token)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tokens that got it (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadChannelName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{})
	w.register(alice, "phone")
	r := receiptTo(alice)
	r.Channel = "chn/../x"
	err := w.Handle(r)
	if _, ok := errors.AsType[*push.PermanentError](err); !ok || w.fake.Count("phone").Accepted != 1 {
		t.Errorf("outcome is %v, %+v", err, w.fake.Counts())
	}
}

// TestDryRun: FCM is asked to check only.
func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakefcm.Options{}, `"dry_run":true`)
	w.register(alice, "phone")
	if err := w.Handle(receiptTo(alice)); err != nil {
		t.Error(err)
	}
	if s := w.fake.Stats(); s.Requests != 1 || s.Accepted != 0 {
		t.Errorf("stats are %+v", s)
	}
}

// everybody is a directory in which everybody has one device.
type everybody struct{ linetest.Directory }

// Devices implements [push.Directory].
func (*everybody) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	all := make(map[push.Uid][]push.Device)
	for _, u := range users {
		all[u] = []push.Device{{User: u, ID: "d", Token: "token-of-" + u.String(), Platform: "web"}}
	}
	return all, nil
}
