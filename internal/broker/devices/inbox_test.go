package devices_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
)

// Who asks chooses where the answer goes. The worker sends none with its own rights
// to where it would be stored, obeyed, or taken for somebody else's word.
func TestAnswersGoToInboxesOnly(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := devices.Provision(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	d, err := devices.Open(t.Context(), conn, devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	nc, _ := brokertest.Client(t, b.URL())
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"fcm","token":"secret"}`)

	elsewhere := []string{
		"$KV.push-devices.user.AQAAAAAAAAA", "push.retry.nobody", "push.schedule.fcm.1", "push.dead.fcm", "push.receipts", "_INBOXES.a", "plain",
	}
	var watched []*nats.Subscription
	for _, reply := range elsewhere {
		sub, err := nc.SubscribeSync(reply)
		if err != nil {
			t.Fatal(err)
		}
		watched = append(watched, sub)
		for _, subject := range []string{
			"push.devices.put", "push.devices.ls", "push.devices.rm", "$SRV.PING", "$SRV.INFO.pushworker-devices", "$SRV.STATS",
		} {
			if err := nc.PublishRequest(subject, reply, []byte(`{"user":2,"id":"x","provider":"fcm","token":"t2"}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantOK(t, nc, "rm", `{"user":3}`)
	stop() // which waits until what was begun is answered
	if err := <-ended; err != nil {
		t.Error(err)
	}
	conn.Close()
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, sub := range watched {
		if n, _, err := sub.Pending(); n > 0 || err != nil {
			t.Errorf("%d answers on %s, %v", n, sub.Subject, err)
		}
	}
	again, err := devices.Open(t.Context(), b.Connect(t), devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := devicesOf(t, again, 1, 2); len(got) != 1 || len(got[1]) != 1 {
		t.Errorf("the devices are %v; what asks for its answer elsewhere is not carried out", got)
	}
}

// A flood of requests that want their answers elsewhere does not fill the log; the
// statistics of the service have the number.
func TestFloodOfWrongReplySubjects(t *testing.T) {
	t.Parallel()
	const flood, lines = 500, 5
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := devices.Provision(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	d, err := devices.Open(t.Context(), conn, devices.Options{Log: zerolog.New(zerolog.SyncWriter(&log))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	nc, _ := brokertest.Client(t, b.URL())
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"fcm","token":"secret"}`)
	for range flood {
		if err := nc.PublishRequest("push.devices.put", "plain", []byte(`{"user":2,"id":"x","provider":"fcm","token":"t2"}`)); err != nil {
			t.Fatal(err)
		}
	}
	wantOK(t, nc, "put", `{"user":1,"id":"phone","provider":"fcm","token":"secret"}`) // comes after them, on the same subject
	m, err := nc.RequestWithContext(t.Context(), "$SRV.STATS.pushworker-devices", nil)
	if err != nil {
		t.Fatal(err)
	}
	var stats micro.Stats
	if err := json.Unmarshal(m.Data, &stats); err != nil {
		t.Fatal(err)
	}
	for _, e := range stats.Endpoints {
		if want := map[string]int{"put": flood}[e.Name]; e.NumErrors != want {
			t.Errorf("%s counts %d errors, want %d", e.Name, e.NumErrors, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := bytes.Count(log.Bytes(), []byte("request refused")); n != lines {
		t.Errorf("the log has %d lines of %d refusals, want %d", n, flood, lines)
	}
}
