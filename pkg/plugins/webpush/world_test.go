package webpush_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	fakewebpush "github.com/pushworker/pushworker/internal/fake/webpush"
	"github.com/pushworker/pushworker/pkg/plugins/webpush"
	"github.com/pushworker/pushworker/pkg/push"
)

const alice = push.Uid(0x1001)

// Two key pairs. They are of no service.
const (
	keyOld, publicOld = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
	keyNew, publicNew = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)

// directory has these devices, and notes which are gone.
type directory struct {
	mu      sync.Mutex
	devices func(push.Uid) []push.Device
	gone    []string
	notes   []string
}

func (d *directory) Devices(_ context.Context, users []push.Uid, _ string) (map[push.Uid][]push.Device, error) {
	found := make(map[push.Uid][]push.Device)
	for _, user := range users {
		found[user] = d.devices(user)
	}
	return found, nil
}

func (d *directory) Gone(_ context.Context, of push.Device, _ time.Time, reason string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, of.ID+" "+reason)
	return nil
}

// Fails implements push.Failer.
func (d *directory) Fails(_ context.Context, of push.Device, is push.Failing) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, strings.TrimSpace(of.ID+" "+is.Why))
	return nil
}

func (d *directory) noted() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.notes...)
}

func (d *directory) removed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.gone...)
}

// world is a handler and a push server.
type world struct {
	*testing.T
	fake      *fakewebpush.Server
	directory *directory
	handler   push.Handler
}

func startFake(t *testing.T, o fakewebpush.Options, rules string) *fakewebpush.Server {
	t.Helper()
	script, err := fakewebpush.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	o.Script = script
	s, err := fakewebpush.Start(o)
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

func config(url string, keys ...string) string {
	all := strings.Join(keys, ",")
	for key, usual := range map[string]string{
		"vapid": `[{"id":"old","key":"` + keyOld + `"}]`, "subject": `"mailto:push@example.com"`, "url": `"https://chat.example.com/#{topic}?{seq}"`,
		"origins": `["` + url + `"]`, "allow_private": `["127.0.0.0/8"]`,
	} {
		if !strings.Contains(all, `"`+key+`":`) {
			keys = append(keys, `"`+key+`":`+usual)
		}
	}
	return "{" + strings.Join(keys, ",") + "}"
}

// newWorld makes one where alice has the devices called names.
func newWorld(t *testing.T, rules string, keys ...string) *world {
	t.Helper()
	return worldWith(t, fakewebpush.Options{}, rules, keys...)
}

func worldWith(t *testing.T, o fakewebpush.Options, rules string, keys ...string) *world {
	t.Helper()
	w := &world{T: t, fake: startFake(t, o, rules), directory: &directory{}}
	w.has("phone")
	w.handler = webpush.NewPatient(w.directory)
	if err := w.handler.Init(config(w.fake.URL(), keys...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.handler.Stop)
	return w
}

// device is the one called name.
func device(s *fakewebpush.Server, name, app string) push.Device {
	sub := s.Subscription(name)
	return push.Device{ID: name, Provider: "webpush", Token: sub.Endpoint, Extra: &push.Extra{App: app, Keys: push.Keys(sub.Keys)}}
}

// has gives every user devices of these names.
func (w *world) has(names ...string) {
	var all []push.Device
	for _, name := range names {
		all = append(all, device(w.fake, name, ""))
	}
	w.directory.devices = func(push.Uid) []push.Device { return all }
}

// handle has the handler do r, and returns its outcome.
func (w *world) handle(r *push.Receipt) error {
	w.Helper()
	outcome := make(chan error, 1)
	r.OnDone(func(err error) { outcome <- err })
	w.handler.Push() <- r
	select {
	case err := <-outcome:
		return err
	case <-time.After(30 * time.Second):
		w.Fatal("the receipt has no outcome after 30 s")
		return nil
	}
}

// receipt is a message to alice.
func receipt() *push.Receipt {
	return &push.Receipt{
		To: map[push.Uid]push.Recipient{alice: {Unread: 3}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpOne", SeqId: 7, From: "usr782riWdFIwE", Timestamp: time.Now(), Content: "a < b & c",
		},
	}
}
