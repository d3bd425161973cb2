package importer_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	workers "github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/publisher/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// workerAt runs a worker's service for devices until the test ends.
func workerAt(t *testing.T, b *brokertest.Broker) {
	t.Helper()
	if _, err := workers.Provision(t.Context(), b.Connect(t), 1); err != nil {
		t.Fatal(err)
	}
	c, err := broker.Connect(t.Context(), broker.Options{URL: b.URL(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	d, err := workers.Open(t.Context(), c, workers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		c.Close()
	})
}

func TestClientRegistersListsAndRemovesDevices(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	workerAt(t, b)
	client := devices.NewClient(dial(t, b.URL()))
	phone := push.Device{User: 1, ID: "phone", Provider: "apns", Platform: "ios", Token: "secret", Lang: "de", Extra: &push.Extra{App: "chat", Kind: "voip", Env: "sandbox"}}
	waitFor(t, "a worker", func() bool { return client.Put(patient(t), phone) == nil })
	if err := client.Put(patient(t), push.Device{User: 1, ID: "tablet", Provider: "fcm", Token: "secret-2"}); err != nil {
		t.Fatal(err)
	}
	list, err := client.List(patient(t), 1)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	first := list[0]
	if first.Registered.IsZero() || first.TokenHash == "" {
		t.Errorf("listed %+v", first)
	}
	first.Registered, first.TokenHash = list[1].Registered, ""
	want := devices.Registered{ID: "phone", Provider: "apns", Platform: "ios", App: "chat", Kind: "voip", Env: "sandbox", Lang: "de", Registered: list[1].Registered}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if err := client.Remove(patient(t), push.Device{User: 1, ID: "phone"}); err != nil {
		t.Fatal(err)
	}
	if list, err := client.List(patient(t), 1); err != nil || len(list) != 1 || list[0].ID != "tablet" {
		t.Errorf("after Remove: %v, %v", list, err)
	}
	err = client.Put(patient(t), push.Device{User: 1, ID: "phone", Provider: "FCM!", Token: "secret-3"})
	var refused *devices.Error
	if !errors.As(err, &refused) || refused.Code != "invalid" || devices.Again(err) || strings.Contains(err.Error(), "secret-3") {
		t.Errorf("a wrong device: %v", err)
	}
}

func TestClientWithoutWorkers(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	client := devices.NewClient(nc)
	if err := client.Put(patient(t), push.Device{User: 1}); !errors.Is(err, devices.ErrSilent) || !devices.Again(err) {
		t.Errorf("nobody there: %v", err)
	}
	answer(t, nc, "push.devices.put", `{"error":{"code":"busy","message":"ask again"}}`)
	if err := client.Put(patient(t), push.Device{User: 1}); !devices.Again(err) {
		t.Errorf("busy: %v", err)
	}
	answer(t, nc, "push.devices.rm", `{}`)
	if err := client.Remove(patient(t), push.Device{User: 1}); err == nil || devices.Again(err) {
		t.Errorf("not an answer: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	if _, err := nc.Subscribe("push.devices.ls", func(*nats.Msg) { cancel(errors.New("enough")) }); err != nil {
		t.Fatal(err)
	}
	if _, err := client.List(ctx, 1); !errors.Is(err, devices.ErrSilent) || !strings.Contains(err.Error(), "enough") {
		t.Errorf("an end of the context: %v", err)
	}
}

func TestClientSubscribesToChannels(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	client := devices.NewClient(nc)
	put, rm := answer(t, nc, "push.channels.put", `{"ok":true}`), answer(t, nc, "push.channels.rm", `{"ok":true}`)
	if err := errors.Join(client.Subscribe(patient(t), 1, "chnNews"), client.Unsubscribe(patient(t), 1, "chnOld")); err != nil {
		t.Fatal(err)
	}
	if got, want := string(<-put), `{"user":"AQAAAAAAAAA","channel":"chnNews"}`; got != want {
		t.Errorf("put %s, want %s", got, want)
	}
	if got, want := string(<-rm), `{"user":"AQAAAAAAAAA","channel":"chnOld"}`; got != want {
		t.Errorf("rm %s, want %s", got, want)
	}
}

func TestClientSaysWhoseDevicesHaveChanged(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	events := make(chan []string, 3)
	_, err := nc.Subscribe("push.events.devices_changed", func(m *nats.Msg) {
		var event struct{ Users []string }
		if err := json.Unmarshal(m.Data, &event); err != nil {
			t.Error(err)
		}
		events <- event.Users
	})
	if err != nil {
		t.Fatal(err)
	}
	users := make([]push.Uid, 1001)
	for i := range users {
		users[i] = push.Uid(i + 1)
	}
	if err := devices.NewClient(nc).Changed(users...); err != nil {
		t.Fatal(err)
	}
	if first, second := <-events, <-events; len(first) != 1000 || len(second) != 1 || first[0] != "AQAAAAAAAAA" || second[0] != push.Uid(1001).String() {
		t.Errorf("%d and %d users", len(first), len(second))
	}
}

// answer answers requests, and passes on the first ones.
func answer(t *testing.T, nc *nats.Conn, subject, text string) <-chan []byte {
	t.Helper()
	requests := make(chan []byte, 8)
	_, err := nc.Subscribe(subject, func(m *nats.Msg) {
		requests <- m.Data
		if err := m.Respond([]byte(text)); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return requests
}
