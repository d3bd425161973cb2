package chatserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/chatserver"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// rig is a broker, a chat server and the worker's side.
type rig struct {
	nats   *nats.Conn // the chat server's
	chat   *brokertest.ChatServer
	keeper devicetest.Keeper
	conn   *broker.Conn
	source *chatserver.Source
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	b := brokertest.Start(tb)
	r := &rig{keeper: devicetest.NewKeeper(), conn: b.Connect(tb)}
	r.nats, _ = brokertest.Client(tb, b.URL())
	r.chat = brokertest.NewChatServer(r.nats, r.keeper)
	r.chat.Up(tb)
	r.source = chatserver.New(r.conn)
	return r
}

// TestChatServerConforms: the directory of a worker as PUSHWORKER_DIRECTORY=nats makes it.
// The chat server says what has changed, so the TTL does not help.
func TestChatServerConforms(t *testing.T) {
	t.Parallel()
	devicetest.Conform(t, func(tb testing.TB) devicetest.World {
		tb.Helper()
		r := newRig(tb)
		d, err := devices.Open(tb.Context(), r.conn, devices.Options{Source: r.source, CacheTTL: time.Hour, Log: zerolog.Nop()})
		if err != nil {
			tb.Fatal(err)
		}
		brokertest.Run(tb, d.Run)
		c := telling{r}
		return devicetest.World{
			Directory: d,
			Login:     c.login,
			Logout: func(ctx context.Context, d push.Device) error {
				return c.remove(ctx, push.Device{User: d.User, ID: d.ID})
			},
			Leave: func(ctx context.Context, user push.Uid) error { return c.remove(ctx, push.Device{User: user}) },
			Down:  r.chat.Down, Up: r.chat.Up,
		}
	})
}

// telling is the keeper of a chat server that publishes what has changed. Whose token
// a device takes over changes as well.
type telling struct{ *rig }

func (c telling) tell(users ...push.Uid) error {
	texts := make([]string, len(users))
	for i, u := range users {
		texts[i] = u.UserId()
	}
	data, err := json.Marshal(map[string]any{"users": texts})
	if err == nil {
		err = c.nats.Publish("push.events.devices_changed", data)
	}
	return err
}

func (c telling) login(ctx context.Context, d push.Device) error {
	before, err := c.keeper.Holder(ctx, d)
	if err == nil {
		_, err = c.keeper.Put(ctx, d)
	}
	if err == nil && before != 0 {
		err = c.tell(before)
	}
	if err == nil {
		err = c.tell(d.User)
	}
	return err
}

func (c telling) remove(ctx context.Context, like push.Device) error {
	_, err := c.keeper.Remove(ctx, like)
	if err == nil {
		err = c.tell(like.User)
	}
	return err
}

func find(t *testing.T, r *rig, users int) ([]device.Found, error) {
	t.Helper()
	asked := make([]push.Uid, users)
	for i := range asked {
		asked[i] = push.Uid(i + 1)
	}
	return r.source.Find(t.Context(), asked)
}

// TestRequestsAreSplit: a request has 1,000 users at most.
func TestRequestsAreSplit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if found, err := find(t, r, 2500); err != nil || len(found) != 0 {
		t.Errorf("Find = %v, %v", found, err)
	}
	if requests, most := r.chat.Asked(); requests != 3 || most != 1000 {
		t.Errorf("%d requests of up to %d users, want 3 of 1000", requests, most)
	}
}

// devicesOf answers with a device of each user, or with the code too_large if they are
// more than most.
func devicesOf(most int) func([]byte) []byte {
	return func(request []byte) []byte {
		var asked struct{ Users []string }
		if err := json.Unmarshal(request, &asked); err != nil || len(asked.Users) > most {
			return []byte(`{"error":{"code":"too_large","message":"1.5 MB"}}`)
		}
		lines := make([]string, len(asked.Users))
		for i, u := range asked.Users {
			lines[i] = fmt.Sprintf(`{"user":%q,"id":"phone","provider":"fcm","token":"token-%s"}`, u, u)
		}
		return []byte(`{"devices":[` + strings.Join(lines, ",") + `]}`)
	}
}

// TestLargeAnswersAreHalved: the whole is known in the end.
func TestLargeAnswersAreHalved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.chat.Say(devicesOf(70))
	found, err := find(t, r, 1000)
	users := make(map[push.Uid]bool)
	for _, f := range found {
		users[f.User] = f.Fault == nil
	}
	if err != nil || len(users) != 1000 || len(found) != 1000 {
		t.Errorf("%d devices of %d users, %v; want 1000", len(found), len(users), err)
	}
	r.chat.Say(devicesOf(0))
	if _, err := find(t, r, 4); err == nil || !strings.Contains(err.Error(), "raise max_payload") {
		t.Errorf("an answer for one user that is too large: %v", err)
	}
}

// TestNobodyAnswers is said at once, and a silence after 5 s.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.chat.Down(t)
	_, err := find(t, r, 1)
	_, gone := r.source.Drop(t.Context(), push.Device{User: 1, Provider: "fcm", Token: "secret"}, time.Now(), "unregistered")
	for _, err := range []error{err, gone} {
		if err == nil || !strings.Contains(err.Error(), "no chat server answers push.directory.") || strings.Contains(err.Error(), "secret") {
			t.Errorf("without a chat server: %v", err)
		}
	}
	r.chat.Say(func([]byte) []byte { return nil })
	r.chat.Up(t)
	if _, err := find(t, r, 8); err == nil || !strings.Contains(err.Error(), "has not answered for 5s") {
		t.Errorf("with a chat server that is silent: %v", err)
	}
	r.chat.Say(devicesOf(4))
	before, _ := r.chat.Asked()
	if found, err := find(t, r, 8); err != nil || len(found) != 8 {
		t.Errorf("afterwards: %d devices, %v", len(found), err)
	}
	if after, _ := r.chat.Asked(); after-before != 2 {
		t.Errorf("%d requests after a silence at 8 users, want 2 of 4", after-before)
	}
}

// TestRequestIsSentAgain: the chat server that had it may have died.
func TestRequestIsSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var first atomic.Bool
	r.chat.Say(func(request []byte) []byte {
		if first.CompareAndSwap(false, true) {
			return nil
		}
		return devicesOf(1)(request)
	})
	if found, err := find(t, r, 1); err != nil || len(found) != 1 {
		t.Errorf("Find = %v, %v", found, err)
	}
}

// TestFaultyAnswers say what to correct and are no users without devices.
func TestFaultyAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for said, want := range map[string]string{
		`boom`:                    "not of the form",
		`{}`:                      "not of the form",
		`[]`:                      "not of the form",
		`{"devices":null}`:        "not of the form",
		`{"devices":{}}`:          "not of the form",
		`{"ok":true}`:             "not of the form",
		"{\"devices\":[]}\xff":    "not of the form",
		`{"error":{"code":"db"}}`: "cannot answer push.directory.get now: db",
		"{\"error\":{\"code\":\"a\\nb\",\"message\":\"\\u001b[31m\"}}": "now: a b",
	} {
		r.chat.Say(func([]byte) []byte { return []byte(said) })
		if found, err := find(t, r, 1); err == nil || found != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", said, found, err, want)
		}
	}
	r.chat.Say(func([]byte) []byte {
		return []byte(`{"devices":[{"user":"AQAAAAAAAAA","id":"a","provider":"fcm","token":"t"},7,{"user":"nobody"},null]}`)
	})
	found, err := find(t, r, 1)
	if err != nil || len(found) != 4 || found[0].Fault != nil {
		t.Fatalf("Find = %v, %v", found, err)
	}
	for i, f := range found[1:] {
		if f.Fault == nil {
			t.Errorf("line %d is no fault", i+1)
		}
	}
}

// TestGoneIsConfirmed: anything but {"ok":true} leaves the target of a receipt to the next
// attempt.
func TestGoneIsConfirmed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.chat.Down(t)
	var said atomic.Value
	sub, err := r.nats.Subscribe("push.directory.gone", func(m *nats.Msg) { _ = m.Respond([]byte(said.Load().(string))) })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := r.nats.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ said, want string }{
		{`{"ok":true}`, ""},
		{`{}`, `is not {"ok":true}`},
		{`{"ok":false}`, `is not {"ok":true}`},
		{`{"ok":true,"error":{"code":"unavailable","message":"no database"}}`, "unavailable: no database"},
	} {
		said.Store(c.said)
		untold, err := r.source.Drop(t.Context(), push.Device{User: 1, Provider: "fcm", Token: "t"}, time.Now(), "unregistered")
		if untold || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Drop = %t, %v", c.said, untold, err)
		}
	}
}
