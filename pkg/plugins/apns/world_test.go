package apns_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	"github.com/pushworker/pushworker/pkg/plugins/apns"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	alice = push.Uid(0x1001 + iota)
	bob
	carol
)

const bundle = "com.example.app"

var certFile, keyFile string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "apns")
	if err == nil {
		certFile, keyFile, err = linetest.Certificate(dir)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// world is a handler between a fake APNs and a directory.
type world struct {
	linetest.Desk

	fake *fakeapns.Server
}

func startFake(t *testing.T, o fakeapns.Options) *fakeapns.Server {
	t.Helper()
	o.CertFile, o.KeyFile = certFile, keyFile
	s, err := fakeapns.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// config is the smallest one for a fake, with further keys.
func config(s *fakeapns.Server, keys ...string) string {
	all := map[string]json.RawMessage{}
	for name, value := range map[string]string{
		"key": string(s.Key()), "key_id": fakeapns.DefaultKeyID, "team_id": fakeapns.DefaultTeamID, "topic": bundle, "endpoint": s.URL(),
	} {
		all[name], _ = json.Marshal(value)
	}
	if err := json.Unmarshal([]byte("{"+strings.Join(keys, ",")+"}"), &all); err != nil {
		panic(err)
	}
	text, _ := json.Marshal(all)
	return string(text)
}

func newWorld(t *testing.T, o fakeapns.Options, keys ...string) *world {
	t.Helper()
	s := startFake(t, o)
	return &world{linetest.NewDesk(t, apns.New, config(s, keys...)), s}
}

// rules are options with a script of rules as an operator writes them.
func rules(t *testing.T, text string) fakeapns.Options {
	t.Helper()
	s, err := fakeapns.ParseScript([]byte(`{"rules":[` + text + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return fakeapns.Options{Options: fake.Options{Script: s}}
}

// token is the device token that an id stands for here.
func token(id string) string { return fmt.Sprintf("%064x", id) }

// register gives user a device of a kind.
func (w *world) register(user push.Uid, id, kind string) push.Device {
	d := push.Device{
		User: user, ID: id, Provider: "apns", Platform: "ios", Token: token(id + kind), Registered: time.Now().Add(-time.Hour),
	}
	if kind != "" {
		d.Extra = &push.Extra{Kind: kind}
	}
	w.Directory.Put(d)
	return d
}

// callTo is a call from bob that rings.
func callTo(users ...push.Uid) *push.Receipt {
	r := receiptTo(users...)
	r.Payload.From, r.Payload.Webrtc = bob.UserId(), "started"
	return r
}

// got is what the fake has accepted, by token.
func (w *world) got() map[string][]fake.Request {
	all := make(map[string][]fake.Request)
	for _, r := range w.fake.Requests() {
		if r.Accepted {
			all[r.Target] = append(all[r.Target], r)
		}
	}
	return all
}

// crowd registers one device for each of n users.
func (w *world) crowd(n int) (users []push.Uid) {
	for i := range n {
		users = append(users, push.Uid(0x5000+i))
		w.register(users[i], fmt.Sprintf("phone-%04d", i), "")
	}
	return users
}

// offerAll offers a receipt to each user at once, and returns how many failed.
func (w *world) offerAll(users []push.Uid) (failed int) {
	w.Helper()
	outcomes := make([]<-chan error, len(users))
	for i, u := range users {
		outcomes[i] = w.Offer(receiptTo(u))
	}
	for _, outcome := range outcomes {
		if err := w.Await(outcome); err != nil {
			failed++
		}
	}
	return failed
}

// receiptTo is a message to the users.
func receiptTo(users ...push.Uid) *push.Receipt {
	return linetest.Message(push.Recipient{Unread: 1}, users...)
}
