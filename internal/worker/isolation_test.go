package worker_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// runQuietly runs a worker with the shipped permissions until the test ends, which
// tells of each receipt and asks for the devices of its users.
func runQuietly(t *testing.T, url string) (delivered <-chan map[push.Uid][]push.Device) {
	t.Helper()
	seen := make(chan map[push.Uid][]push.Device, 64)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- worker.Worker{
			Config: load(t, url, "false"), Banner: io.Discard, Log: zerolog.Nop(),
			Plugins: func(r *push.Registry, directory push.Directory) {
				r.Register("quiet", push.Adapt(func(string) (push.Work, error) {
					return push.Work{Handle: func(ctx context.Context, r *push.Receipt) error {
						var users []push.Uid
						for u := range r.To {
							users = append(users, u)
						}
						devices, err := directory.Devices(ctx, users, "")
						seen <- devices
						return err
					}}, nil
				}))
			},
		}.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the worker ends with %v", err)
		}
	})
	return seen
}

// client is a plain client of a role.
func client(t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.Timeout(deadline), nats.CustomInboxPrefix(inbox(url)), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// ask sends a device request until a worker is there to answer it.
func ask(t *testing.T, nc *nats.Conn, subject, request string) string {
	t.Helper()
	for end := time.Now().Add(deadline); ; {
		m, err := nc.Request(subject, []byte(request), deadline)
		if err == nil {
			return string(m.Data)
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", subject, err)
		}
	}
}

// Each role has an inbox of its own and hears nothing of the others: a worker's inbox
// gets receipts and tokens in the clear.
func TestShippedPermissionsLetNobodyListenIn(t *testing.T) {
	url := startWithRoles(t)
	everywhere := []string{
		">", "_INBOX.>", "_INBOX.*.*", "*.>", "_INBOX_worker.*", "push.>", "push.receipts", "push.retry.>", "push.dead.>",
		"$KV.>", "$JS.>", "$JS.API.>", "$JS.ACK.>", "_R_.>", "_GR_.>",
	}
	for _, role := range roles() {
		for _, other := range roles() {
			if may := brokertest.MaySubscribe(t, url(role), "_INBOX_"+other+".>"); may != (role == other) {
				t.Errorf("%s may subscribe to the inbox of %s: %t", role, other, may)
			}
		}
		for _, subject := range everywhere {
			own := role == "worker" && subject == "_INBOX_worker.*"
			if brokertest.MaySubscribe(t, url(role), subject) != own {
				t.Errorf("%s may subscribe to %s", role, subject)
			}
		}
	}
	if brokertest.MaySubscribe(t, url("producer"), "push.devices.*") {
		t.Error("a producer may answer the device requests of others")
	}
}

// A producer that listens wherever it may hears neither of receipts nor of tokens
// while others work.
func TestProducerHearsNothingOfOthers(t *testing.T) {
	url := startWithRoles(t)
	delivered := runQuietly(t, url("worker"))
	spy := client(t, url("producer"))
	var heard []*nats.Subscription
	for _, subject := range []string{"_INBOX.>", ">", "_INBOX_worker.>", "_INBOX_operator.>", "push.events.device_gone"} {
		sub, err := spy.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, sub)
	}
	if err := spy.Flush(); err != nil {
		t.Fatal(err)
	}
	chat := client(t, url("producer"))
	if got := ask(t, chat, "push.devices.put", `{"user":1,"id":"phone","provider":"quiet","token":"secret-token"}`); got != `{"ok":true}` {
		t.Fatal(got)
	}
	publish(t, chat, "", `{"to":{"1":{}},"payload":{"what":"msg","content":"secret-content"}}`)
	select {
	case devices := <-delivered:
		if len(devices[1]) != 1 {
			t.Fatalf("the worker finds %v", devices)
		}
	case <-time.After(deadline):
		t.Fatal("the worker does not deliver")
	}
	js, err := jetstream.New(client(t, url("operator")))
	if err != nil {
		t.Fatal(err)
	}
	if s := stream(t, js, "PUSH"); s.Msgs != 1 {
		t.Errorf("PUSH is %+v", s)
	}
	if got := ask(t, chat, "push.devices.rm", `{"user":1}`); got != `{"ok":true}` {
		t.Fatal(got)
	}
	gone, err := heard[len(heard)-1].NextMsg(deadline) // which a producer is to hear
	if err != nil || strings.Contains(string(gone.Data), "secret") || !json.Valid(gone.Data) {
		t.Errorf("of a device that is gone a producer hears %v, %v", gone, err)
	}
	for _, sub := range heard {
		if m, err := sub.NextMsg(time.Millisecond); err == nil {
			t.Errorf("%s: a producer hears %s: %s", sub.Subject, m.Subject, m.Data)
		}
	}
}

// publish publishes a receipt and waits until it is stored. If there is a reply the
// server's answer goes there, and another publish is waited for.
func publish(t *testing.T, nc *nats.Conn, reply, data string) {
	t.Helper()
	if reply != "" {
		if err := nc.PublishRequest("push.receipts", reply, []byte(data)); err != nil {
			t.Fatal(err)
		}
		return
	}
	m, err := nc.Request("push.receipts", []byte(data), deadline)
	if err != nil || !strings.Contains(string(m.Data), `"seq"`) {
		t.Fatalf("publishing: %v, %v", m, err)
	}
}

func stream(t *testing.T, js jetstream.JetStream, name string) jetstream.StreamState {
	t.Helper()
	s, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State
}

// Whatever reply subject a producer names, neither the worker nor the server itself
// writes for it where it may not write: not over device lists, not into retries, dead
// letters and events, and it does not obey.
func TestProducerHasNobodyWriteForIt(t *testing.T) {
	url := startWithRoles(t)
	delivered := runQuietly(t, url("worker"))
	chat := client(t, url("producer"))
	if got := ask(t, chat, "push.devices.put", `{"user":1,"id":"phone","provider":"quiet","token":"t"}`); got != `{"ok":true}` {
		t.Fatal(got)
	}
	replies := []string{
		"$KV.push-devices.user.AQAAAAAAAAA", "$KV.push-devices.install.mask", "push.retry.quiet", "push.retry.nobody", "push.schedule.quiet.x",
		"push.dead.quiet", "push.events.outcome.quiet", "$JS.API.STREAM.PURGE.PUSH", "$JS.API.STREAM.DELETE.PUSH_RETRY",
	}
	const receipt = `{"to":{"1":{}},"payload":{"what":"msg"}}`
	for _, reply := range replies {
		publish(t, chat, reply, receipt)
		for _, what := range []string{"put", "ls", "rm"} {
			request := `{"user":2,"id":"phone","provider":"quiet","token":"u"}`
			if err := chat.PublishRequest("push.devices."+what, reply, []byte(request)); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(t, chat, "", receipt) // all before it are stored and answered
	for range len(replies) + 1 {
		select {
		case devices := <-delivered:
			if len(devices[1]) != 1 || devices[1][0].Token != "t" {
				t.Fatalf("the victim's devices are %v", devices)
			}
		case <-time.After(deadline):
			t.Fatal("the worker does not deliver")
		}
	}
	if got := ask(t, chat, "push.devices.ls", `{"user":1}`); !strings.Contains(got, `"phone"`) {
		t.Errorf("the victim's devices: %s", got)
	}
	js, err := jetstream.New(client(t, url("operator")))
	if err != nil {
		t.Fatal(err)
	}
	if s := stream(t, js, "PUSH"); s.Msgs != uint64(len(replies))+1 {
		t.Errorf("PUSH holds %d receipts of %d", s.Msgs, len(replies)+1)
	}
	for _, name := range []string{"PUSH_RETRY", "PUSH_DEAD"} {
		if s := stream(t, js, name); s.LastSeq != 0 {
			t.Errorf("%d messages were stored in %s", s.LastSeq, name)
		}
	}
	directory, err := devices.Open(t.Context(), connect(t, url("operator")), devices.Options{}) // which reads the mask
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range directory.All(t.Context()) {
		if err != nil {
			t.Error(err)
		}
	}
}
