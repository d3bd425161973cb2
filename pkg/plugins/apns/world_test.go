package apns_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakeapns "github.com/pushworker/pushworker/internal/fake/apns"
	"github.com/pushworker/pushworker/pkg/plugins/apns"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// patience bounds every wait; nothing but a failure waits so long.
const patience = 30 * time.Second

const (
	alice = push.Uid(0x1001 + iota)
	bob
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
	*testing.T
	fake      *fakeapns.Server
	directory *directory
	handler   push.Handler
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
	w := &world{T: t, fake: startFake(t, o), directory: &directory{devices: make(map[push.Uid][]push.Device)}}
	w.handler = apns.New(w.directory)
	if err := w.handler.Init(config(w.fake, keys...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.handler.Stop)
	return w
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
	w.directory.put(d)
	return d
}

// receiptTo is a message to the users.
func receiptTo(users ...push.Uid) *push.Receipt {
	r := &push.Receipt{To: make(map[push.Uid]push.Recipient), Payload: push.Payload{
		What: push.ActMsg, Topic: "grpOne", Timestamp: time.Now(), SeqId: 1, Content: json.RawMessage(`"hi"`),
	}}
	for _, u := range users {
		r.To[u] = push.Recipient{Unread: 1}
	}
	return r
}

// callTo is a call from bob that rings.
func callTo(users ...push.Uid) *push.Receipt {
	r := receiptTo(users...)
	r.Payload.From, r.Payload.Webrtc = bob.UserId(), "started"
	return r
}

func (w *world) offer(r *push.Receipt) <-chan error {
	w.Helper()
	outcome := make(chan error, 1)
	r.OnDone(func(err error) { outcome <- err })
	select {
	case w.handler.Push() <- r:
	case <-time.After(patience):
		w.Fatal("the handler takes no receipt")
	}
	return outcome
}

func (w *world) await(outcome <-chan error) error {
	w.Helper()
	select {
	case err := <-outcome:
		return err
	case <-time.After(patience):
		w.Fatal("no outcome")
		return nil
	}
}

func (w *world) handle(r *push.Receipt) error {
	w.Helper()
	return w.await(w.offer(r))
}

func (w *world) mustHandle(r *push.Receipt) {
	w.Helper()
	if err := w.handle(r); err != nil {
		w.Fatal(err)
	}
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
		outcomes[i] = w.offer(receiptTo(u))
	}
	for _, outcome := range outcomes {
		if err := w.await(outcome); err != nil {
			failed++
		}
	}
	return failed
}

// directory is a push.Directory in memory.
type directory struct {
	mu      sync.Mutex
	devices map[push.Uid][]push.Device
	gone    []verdict
}

// verdict is a call of Gone.
type verdict struct {
	id, reason string
	asOf       time.Time
}

func (d *directory) put(device push.Device) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.devices[device.User] = append(d.devices[device.User], device)
}

// Devices implements [push.Directory].
func (d *directory) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := make(map[push.Uid][]push.Device)
	for _, user := range users {
		if has := d.devices[user]; has != nil {
			found[user] = slices.Clone(has)
		}
	}
	return found, nil
}

// Gone implements [push.Directory].
func (d *directory) Gone(_ context.Context, device push.Device, asOf time.Time, reason string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, verdict{device.ID + cmp.Or(device.More().Kind, ""), reason, asOf})
	return nil
}

func (d *directory) verdicts() []verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.gone)
}
