package hms_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	fakehms "github.com/pushworker/pushworker/internal/fake/hms"
	"github.com/pushworker/pushworker/pkg/plugins/hms"
	"github.com/pushworker/pushworker/pkg/plugins/internal/linetest"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	alice = push.Uid(0x1001 + iota)
	bob
)

// world is a handler between a fake Push Kit and a directory.
type world struct {
	linetest.Desk

	fake *fakehms.Server
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
	return &world{linetest.NewDesk(t, hms.New, config(s, keys...)), s}
}

// token is the device token that an id stands for here.
func token(id string) string { return "hms-device-token-of-" + id }

// register gives user a device.
func (w *world) register(user push.Uid, id string) {
	w.Directory.Put(push.Device{User: user, ID: id, Provider: "hms", Token: token(id), Registered: time.Now().Add(-time.Hour)})
}

// crowd registers one device for each of n users.
func (w *world) crowd(n int) (users []push.Uid) {
	for i := range n {
		users = append(users, push.Uid(0x5000+i))
		w.register(users[i], fmt.Sprintf("phone-%04d", i))
	}
	return users
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

// receiptTo is a message to the users.
func receiptTo(users ...push.Uid) *push.Receipt {
	return linetest.Message(push.Recipient{Unread: 1}, users...)
}
