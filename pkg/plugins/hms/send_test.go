package hms_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/hms"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// TestHandlerKeepsItsPromises is the suite of every handler, with both APIs.
func TestHandlerKeepsItsPromises(t *testing.T) {
	s := startFake(t, "")
	everybody := &linetest.Directory{}
	for user := range push.Uid(200) {
		everybody.Put(push.Device{User: user, ID: "phone", Provider: "hms", Token: token(fmt.Sprint("phone", user))})
	}
	for _, keys := range [][]string{nil, {v1(s)}} {
		pushtest.TestHandler(t, pushtest.Subject{
			New:     func(testing.TB) (push.Handler, func() int) { return hms.NewPatient(everybody), nil },
			Config:  config(s, keys...),
			Invalid: []string{`{}`, config(s, `"credentials":"secret"`), config(s, `"category":"no category"`), config(s, `"endpoint":"ftp://x"`)},
		})
	}
}

// both runs a test with each API.
func both(t *testing.T, test func(t *testing.T, isV1 bool)) {
	t.Helper()
	t.Parallel()
	t.Run("v3", func(t *testing.T) { t.Parallel(); test(t, false) })
	t.Run("v1", func(t *testing.T) { t.Parallel(); test(t, true) })
}

func keysOf(w *world, isV1 bool) []string {
	if isV1 {
		return []string{v1(w.fake)}
	}
	return nil
}

// TestBatch: 2,500 devices that see the same are reached by three requests, one that has
// another badge by one of its own.
func TestBatch(t *testing.T) {
	both(t, func(t *testing.T, isV1 bool) {
		t.Helper()
		w := &world{fake: startFake(t, "")}
		w = newWorld(t, w.fake, append(keysOf(w, isV1), `"badge_class":"com.example.Main"`)...)
		users := w.crowd(2500)
		r := receiptTo(users...)
		r.To[users[0]] = push.Recipient{Unread: 7}
		w.MustHandle(r)
		if n := len(w.accepted()); n != 2500 || w.fake.Posts() != 4 {
			t.Errorf("%d devices were reached by %d requests, want 2500 by 4", n, w.fake.Posts())
		}
	})
}

// TestOneOfMany: a dead token is removed, a device that is not served is a dead letter, and
// their neighbours in the request have got it, once.
func TestOneOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, startFake(t, `{"token":"*-0","answer":"token-format-error"},{"token":"*-1","answer":"no-right"},{"token":"*-2","answer":"country-not-support"},{"token":"*-3","times":1,"answer":"no-push-type-right"}`))
	for i := range 6 {
		w.register(alice, fmt.Sprint("p-", i))
	}
	r := receiptTo(alice)
	err := w.Handle(r)
	part, ok := errors.AsType[*push.Undelivered](err)
	if !ok || part.Rejected == nil {
		t.Fatalf("outcome is %v, want that a part is left", err)
	}
	if diff := cmp.Diff([]string{"p-0 token-format", "p-1 other-project"}, w.Directory.Reasons()); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"p-4": 1, "p-5": 1}, w.accepted()); diff != "" || w.fake.Posts() != 1 {
		t.Errorf("by %d requests (-want +got):\n%s", w.fake.Posts(), diff)
	}
	ledger := part.To[alice].Devices
	slices.Sort(ledger)
	if diff := cmp.Diff([]string{"p-2", "p-4", "p-5"}, ledger); diff != "" {
		t.Errorf("ledger of the rest (-want +got):\n%s", diff)
	}
}

// TestIllegalOfV1: v1 gives no reasons; what it refuses beside others is removed.
func TestIllegalOfV1(t *testing.T) {
	t.Parallel()
	s := startFake(t, `{"token":"*-0","answer":"no-right"}`)
	w := newWorld(t, s, v1(s))
	w.register(alice, "p-0")
	w.register(alice, "p-1")
	w.MustHandle(receiptTo(alice))
	if diff := cmp.Diff([]string{"p-0 illegal-token"}, w.Directory.Reasons()); diff != "" || w.accepted()["p-1"] != 1 {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
}

// TestMixUp: with the tokens of another project nobody is removed, and the lane says what to
// check; with one that is accepted beside them they are.
func TestMixUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, startFake(t, `{"token":"*-phone-*","answer":"no-right"}`))
	users := w.crowd(60)
	err := w.Handle(receiptTo(users...))
	if _, down := errors.AsType[*push.UnavailableError](err); !down || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("outcome is %v, want that Push Kit is unavailable, and what to check", err)
	}
	if gone := w.Directory.Verdicts(); len(gone) != 0 {
		t.Errorf("%d devices were removed", len(gone))
	}
	other := newWorld(t, w.fake)
	other.crowd(len(users))
	other.register(alice, "good")
	other.MustHandle(receiptTo(append(users, alice)...))
	if gone := other.Directory.Verdicts(); len(gone) != 60 {
		t.Errorf("%d devices were removed, want 60", len(gone))
	}
}

// TestWholeRequest: a fault of the request is one for all in it: nobody has got it, it is no
// evidence of many, and nobody rests for it.
func TestWholeRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, startFake(t, `{"token":"*","times":1,"answer":"inner-error"}`))
	users := w.crowd(100)
	if err := w.Handle(receiptTo(users...)); err == nil {
		t.Fatal("delivered")
	} else if _, down := errors.AsType[*push.UnavailableError](err); down {
		t.Errorf("one request closes the lane: %v", err)
	}
	w.MustHandle(receiptTo(users...))
	if n := len(w.accepted()); n != 100 || w.fake.Posts() != 2 {
		t.Errorf("%d devices were reached, by %d requests in all", n, w.fake.Posts())
	}
}

// TestRefusedToken: a token that Huawei refuses is replaced once and the request repeated
// once; when that is in vain the provider is unavailable.
func TestRefusedToken(t *testing.T) {
	both(t, func(t *testing.T, isV1 bool) {
		t.Helper()
		w := &world{fake: startFake(t, "")}
		w = newWorld(t, w.fake, keysOf(w, isV1)...)
		w.register(alice, "a")
		w.MustHandle(receiptTo(alice))
		w.fake.Expire()
		w.MustHandle(receiptTo(alice))
		if n := w.fake.Posts(); n != 3 || w.fake.Stats().Tokens != 2 || w.accepted()["a"] != 2 {
			t.Errorf("%d requests, stats %+v, want 3 and 2 tokens", n, w.fake.Stats())
		}
		w.fake.Revoke()
		users := w.crowd(30)
		outcomes := make([]<-chan error, len(users))
		for i, u := range users {
			outcomes[i] = w.Offer(receiptTo(u))
		}
		for _, outcome := range outcomes {
			if err := <-outcome; err == nil {
				t.Error("delivered with credentials that are not known")
			}
		}
		err := w.Handle(receiptTo(alice))
		if _, down := errors.AsType[*push.UnavailableError](err); !down || len(w.Directory.Verdicts()) != 0 {
			t.Errorf("outcome is %v, want that Push Kit is unavailable", err)
		}
	})
}

// TestPushTypes: what kind of message a receipt is, on the wire.
func TestPushTypes(t *testing.T) {
	t.Parallel()
	call := receiptTo(alice)
	call.Payload.From, call.Payload.Webrtc = bob.UserId(), "started"
	read := receiptTo(alice)
	read.Payload.What, read.Payload.Content = push.ActRead, nil
	w := newWorld(t, startFake(t, ""))
	w.register(alice, "a")
	for kind, r := range map[string]*push.Receipt{"0": receiptTo(alice), "10": call, "6": read} {
		w.fake.Reset()
		w.MustHandle(r)
		if got := w.fake.Requests(); len(got) != 1 || got[0].Header["push-type"] != kind {
			t.Errorf("got %v, want push type %s", got, kind)
		}
	}
}

func levels(found []push.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, f.Level.String()+" "+f.Check)
	}
	return strings.Join(all, ", ")
}

// TestCheck: a set-up in order is ok, without a push to anybody; with credentials that
// Huawei does not know it fails, and says what to do.
func TestCheck(t *testing.T) {
	both(t, func(t *testing.T, isV1 bool) {
		t.Helper()
		w := &world{fake: startFake(t, "")}
		w = newWorld(t, w.fake, append(keysOf(w, isV1), `"apns":{"enabled":true}`)...)
		kind := map[bool]string{false: "provider token", true: "access token"}[isV1]
		checker := w.Handler.(push.Checker)
		if got := levels(checker.Check(t.Context())); got != "warn sections, ok "+kind+", ok made-up device, ok clock" {
			t.Errorf("found %s", got)
		}
		if err := w.Handler.(push.Prober).Probe(t.Context()); err != nil {
			t.Error(err)
		}
		if s := w.fake.Stats(); s.Accepted != 0 || s.Requests != 2 {
			t.Errorf("stats are %+v, want two requests and no push", s)
		}
		w.fake.Revoke()
		found := checker.Check(t.Context())
		if got := levels(found); !strings.Contains(got, "fail") || !slices.ContainsFunc(found, func(f push.Finding) bool { return strings.Contains(f.Text+f.Remedy, "credentials") }) {
			t.Errorf("found %s: %+v", got, found)
		}
	})
}

// TestNeighbours: two receipts that share devices reach each once for each receipt.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(t, startFake(t, ""))
	users := w.crowd(50)
	one, two := w.Offer(receiptTo(users[:40]...)), w.Offer(receiptTo(users[10:]...))
	if err := errors.Join(<-one, <-two); err != nil {
		t.Fatal(err)
	}
	total := 0
	for n := range maps.Values(w.accepted()) {
		total += n
	}
	if total != 80 || w.fake.Posts() != 2 {
		t.Errorf("%d pushes by %d requests, want 80 by 2", total, w.fake.Posts())
	}
}
