package hms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakehms "github.com/pushworker/pushworker/internal/fake/hms"
	"github.com/pushworker/pushworker/pkg/plugins/hms"
	"github.com/pushworker/pushworker/pkg/push"
)

// patience bounds every wait; nothing but a failure waits so long.
const patience = 30 * time.Second

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

// world is a handler between a fake Push Kit and a directory.
type world struct {
	*testing.T
	fake      *fakehms.Server
	directory *directory
	handler   push.Handler
}

func startFake(t *testing.T, rules string) *fakehms.Server {
	t.Helper()
	s, err := fakehms.Start(fakehms.Options{Options: fake.Options{Script: script(t, rules), Keep: 1 << 13}})
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

// script is one of rules as an operator writes them.
func script(t *testing.T, rules string) fake.Script {
	t.Helper()
	s, err := fakehms.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// config is the smallest one for a fake, with further keys.
func config(s *fakehms.Server, keys ...string) string {
	all := map[string]json.RawMessage{"credentials": s.Account()}
	for name, value := range map[string]string{"endpoint": s.URL(), "token_endpoint": s.URL() + "/oauth2/v3/token"} {
		all[name], _ = json.Marshal(value)
	}
	if err := json.Unmarshal([]byte("{"+strings.Join(keys, ",")+"}"), &all); err != nil {
		panic(err)
	}
	text, _ := json.Marshal(all)
	return string(text)
}

// v1 are the credentials of the other API.
func v1(s *fakehms.Server) string { return `"credentials":` + string(s.App()) }

func newWorld(t *testing.T, s *fakehms.Server, keys ...string) *world {
	t.Helper()
	w := &world{T: t, fake: s, directory: &directory{devices: make(map[push.Uid][]push.Device)}}
	w.handler = hms.New(w.directory)
	if err := w.handler.Init(config(s, keys...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.handler.Stop)
	return w
}

// token is the device token that an id stands for here.
func token(id string) string { return "hms-device-token-of-" + id }

// register gives user a device.
func (w *world) register(user push.Uid, id string) {
	w.directory.put(push.Device{User: user, ID: id, Provider: "hms", Token: token(id), Registered: time.Now().Add(-time.Hour)})
}

// crowd registers one device for each of n users.
func (w *world) crowd(n int) (users []push.Uid) {
	for i := range n {
		users = append(users, push.Uid(0x5000+i))
		w.register(users[i], fmt.Sprintf("phone-%04d", i))
	}
	return users
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

func (w *world) handle(r *push.Receipt) error {
	w.Helper()
	select {
	case err := <-w.offer(r):
		return err
	case <-time.After(patience):
		w.Fatal("no outcome")
		return nil
	}
}

func (w *world) mustHandle(r *push.Receipt) {
	w.Helper()
	if err := w.handle(r); err != nil {
		w.Fatal(err)
	}
}

// accepted are the ids of the devices that the fake has taken a push for, and how many.
func (w *world) accepted() map[string]int {
	all := make(map[string]int)
	for _, r := range w.fake.Requests() {
		if r.Accepted {
			all[strings.TrimPrefix(r.Target, token(""))]++
		}
	}
	return all
}

// directory is a push.Directory in memory.
type directory struct {
	mu      sync.Mutex
	devices map[push.Uid][]push.Device
	gone    []string // id and reason
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
func (d *directory) Gone(_ context.Context, device push.Device, _ time.Time, reason string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, device.ID+" "+reason)
	return nil
}

func (d *directory) verdicts() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.gone)
	slices.Sort(all)
	return all
}
