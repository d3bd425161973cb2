package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/chatserver"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	"github.com/pushworker/pushworker/pkg/push"
)

// With the shipped permissions, and its account of its own, a chat server can be the
// directory.
func TestShippedPermissionsSufficeForDirectory(t *testing.T) {
	url := startWithRoles(t)
	keeper := devicetest.NewKeeper()
	phone := push.Device{User: 7, ID: "phone", Provider: "fcm", Token: "token"}
	if _, err := keeper.Put(t.Context(), phone); err != nil {
		t.Fatal(err)
	}
	nc, _ := brokertest.Client(t, url("producer"))
	var refusals brokertest.Log
	conn, err := broker.Connect(t.Context(), broker.Options{URL: url("worker"), InboxPrefix: "_INBOX_worker", Log: zerolog.New(&refusals)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	source := chatserver.New(conn)
	if _, err := source.Find(t.Context(), []push.Uid{7}); err == nil || !strings.Contains(err.Error(), "no chat server answers") {
		t.Errorf("without a chat server: %v", err)
	}
	brokertest.NewChatServer(nc, keeper).Up(t)
	d, err := devices.Open(t.Context(), conn, devices.Options{Source: source, CacheTTL: time.Hour, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.Run(t.Context()) }() // ends with the test
	has := func() int {
		found, err := d.Devices(t.Context(), []push.Uid{7}, "fcm")
		if err != nil {
			t.Fatal(err)
		}
		return len(found[7])
	}
	if n := has(); n != 1 {
		t.Fatalf("%d devices, want 1", n)
	}
	if _, err := keeper.Remove(t.Context(), phone); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "the chat server's word is heard", func() bool {
		if err := nc.Publish("push.events.devices_changed", []byte(`{"users":["usrBwAAAAAAAAA"]}`)); err != nil {
			t.Fatal(err)
		}
		return has() == 0
	})
	if err := d.Gone(t.Context(), phone, time.Now(), "unregistered"); err != nil {
		t.Error(err)
	}
	if found, err := chatserver.New(connect(t, url("operator"))).Find(t.Context(), []push.Uid{7}); err != nil || len(found) != 0 {
		t.Errorf("an operator: %v, %v", found, err)
	}
	if log := refusals.String(); log != "" {
		t.Errorf("the worker was refused: %s", log)
	}
}
