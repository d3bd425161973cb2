package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/schema"
)

// deadline bounds each wait; nothing but a failure takes so long.
const deadline = time.Minute

// TestMessagesAreAsDescribed lets the real rooms speak and holds what they say
// against the document. It takes the subjects from the document, too.
func TestMessagesAreAsDescribed(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc, err := nats.Connect(b.URL(), nats.Timeout(brokertest.Deadline))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	conn := b.Connect(t)
	serveDevices(t, conn)
	gone := subscribe(t, nc, address(t, "deviceGone"))
	dead := subscribe(t, nc, "push.dead.>")

	for _, request := range []struct{ channel, message, text string }{
		{"devicePut", "device", `{"user":"usr782riWdFIwE","id":"phone","provider":"fcm","platform":"android","token":"t-1"}`},
		{"devicePut", "device", `{"user":"782riWdFIwE","id":"desk","provider":"fcm","token":"t-2","lang":"de"}`},
		{"devicePut", "", `{"user":"usr782riWdFIwE"}`},
		{"devicePut", "", `no device`},
		{"deviceList", "deviceQuery", `{"user":81985529216486895}`},
		{"deviceTest", "deviceQuery", `{"user":"usr782riWdFIwE"}`},
		{"deviceAck", "testToken", `{"token":"MNQXE5DJMNXW2ZLTMFRWG33VNZ"}`},
		{"channelPut", "membership", `{"user":"usr782riWdFIwE","channel":"chnnG99YhENiQU"}`},
		{"channelPut", "", `{"user":"usr782riWdFIwE","channel":"grpnG99YhENiQU"}`},
		{"channelList", "channelQuery", `{"user":81985529216486895}`},
		{"channelRemove", "channelQuery", `{"user":"usr782riWdFIwE","channel":"chnnG99YhENiQU"}`},
		{"deviceRemove", "deviceQuery", `{"user":"usr782riWdFIwE","id":"phone"}`},
	} {
		if request.message != "" {
			valid(t, request.message, "payload", []byte(request.text))
		}
		answer := ask(t, nc, address(t, request.channel), request.text)
		valid(t, "answer", "payload", answer)
	}
	valid(t, "deviceGone", "payload", next(t, gone).Data)

	topo := b.Topology("fcm")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, l := range []deadletter.Letter{
		{Handler: "fcm", Reason: "permanent", Error: "no", Attempts: 3, First: now, Last: now, Stream: "PUSH", StreamSeq: 7, Subject: "push.receipts", ID: "a"},
		{Reason: "malformed", Error: "no JSON", First: now, Last: now, Stream: "PUSH", StreamSeq: 8, ID: "b", Truncated: true},
	} {
		if err := queue.NewDeadLetters(conn, topo).Bury(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		headers := map[string]string{}
		m := next(t, dead)
		for name := range m.Header {
			headers[name] = m.Header.Get(name)
		}
		text, err := json.Marshal(headers)
		if err != nil {
			t.Fatal(err)
		}
		valid(t, "deadLetter", "headers", text)
	}

	marks := subscribe(t, nc, strings.Replace(address(t, "marks"), "{stream}", topo.Stream, 1))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- queue.ShareMarks(ctx, conn, topo, consumer.NewMarks()) }()
	valid(t, "marks", "payload", next(t, marks).Data)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	valid(t, "marks", "payload", []byte(`{"from":"x","marks":[{"user":"782riWdFIwE","topic":"grpabc","value":2,"seq":1,"at":"2026-11-24T09:30:15Z"}]}`))
}

func serveDevices(t *testing.T, conn *broker.Conn) {
	t.Helper()
	if _, err := devices.Provision(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	directory, err := devices.Open(t.Context(), conn, devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := channels.Provision(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	members, err := channels.Open(t.Context(), conn, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- directory.Run(ctx) }()
	go func() { ended <- members.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
	})
}

// address is the subject of a channel of the document.
func address(t *testing.T, channel string) string {
	t.Helper()
	a, ok := lookup(parse(t, schema.AsyncAPI()), "#/channels/"+channel+"/address").(string)
	if !ok {
		t.Fatalf("channel %s has no address", channel)
	}
	return a
}

func subscribe(t *testing.T, nc *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	sub, err := nc.SubscribeSync(subject)
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func next(t *testing.T, sub *nats.Subscription) *nats.Msg {
	t.Helper()
	m, err := sub.NextMsg(deadline)
	if err != nil {
		t.Fatalf("nothing on %s: %v", sub.Subject, err)
	}
	return m
}

// ask asks again until the service is there.
func ask(t *testing.T, nc *nats.Conn, subject, request string) []byte {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < deadline; <-tick.C {
		if m, err := nc.Request(subject, []byte(request), deadline); err == nil {
			return m.Data
		}
	}
	t.Fatalf("no answer on %s", subject)
	return nil
}

func valid(t *testing.T, message, part string, text []byte) {
	t.Helper()
	if err := messageSchema(t, message, part).Validate(parse(t, string(text))); err != nil {
		t.Errorf("%s of %s: %s: %v", part, message, text, err)
	}
}
