package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/deadletter"
)

func TestIsInbox(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]bool{
		"_INBOX.a": true, "_INBOX.a.b": true, "_INBOX_chat.a": true, "_INBOX_chat-1.a.b": true, "_R_.a.b": true,
		"_GR_.abcdef.ghijkl._INBOX.a": true, "_GR_.abcdef.ghijkl._INBOX_chat.a": true, "_GR_.abcdef.ghijkl._R_.a": true,
		"": false, "_INBOX": false, "_INBOX.": false, "_INBOX_chat": false, "_INBOXES.a": false, "_R_": false, "_R.a": false, "inbox.a": false,
		"$KV.push-devices.user.AQAAAAAAAAA": false, "push.retry.fcm": false, "push.schedule.fcm.1": false, "push.dead.fcm": false,
		"push.receipts": false, "$JS.API.STREAM.PURGE.PUSH": false, "$JS.ACK.PUSH.fcm.1.1.1.1.0": false, "push._INBOX.a": false,
		"_GR_.abcdef.ghijkl.$KV.push-devices.user.AQAAAAAAAAA": false, "_GR_.abcdef.ghijkl.push.retry.fcm": false, "_GR_._INBOX.a": false,
		"_GR_.abcdef.ghijkl._INBOX": false,
	} {
		if got := broker.IsInbox(subject); got != want {
			t.Errorf("IsInbox(%q) = %t", subject, got)
		}
	}
}

// Who asks chooses where the answer goes. The worker sends none with its own rights
// to where it would be stored, obeyed, or taken for somebody else's word.
func TestAnswersGoToInboxesOnly(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := broker.ProvisionDevices(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	d, err := broker.OpenDevices(t.Context(), conn, broker.DeviceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	nc, _ := client(t, b.URL())
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
	again, err := broker.OpenDevices(t.Context(), b.Connect(t), broker.DeviceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := devicesOf(t, again, 1, 2); len(got) != 1 || len(got[1]) != 1 {
		t.Errorf("the devices are %v; what asks for its answer elsewhere is not carried out", got)
	}
}

// A letter is believed only if it says what its subject says, which permissions guard.
func TestForgedLetterIsNotBelieved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := broker.ProvisionDevices(t.Context(), r.conn, 1); err != nil {
		t.Fatal(err)
	}
	for _, h := range []nats.Header{
		nil,
		{"Push-Handler": {"other"}, "Push-Reason": {"permanent"}, "Push-Narrowed": {"true"}, "Push-Origin-Stream": {"KV_push-devices"}, "Push-Origin-Seq": {"1"}},
		{"Push-Handler": {"fcm"}, "Push-Narrowed": {"true"}, "Push-Origin-Stream": {"KV_push-devices"}, "Push-Origin-Seq": {"1"}},
	} {
		r.store(t, "push.dead.fcm", `{"ok":true}`, h)
	}
	letters, redriver := broker.NewLetters(r.conn, r.topo), broker.NewRedriver(r.conn, r.topo)
	for _, l := range list(t, letters, broker.LetterFilter{Handler: "fcm"}) {
		if l.Handler != "fcm" || !l.Foreign || l.Error == "" {
			t.Errorf("letter %+v", l)
		}
		if err := redriver.Check(t.Context(), l); !errors.Is(err, deadletter.ErrForeign) || !broker.Refused(err) {
			t.Errorf("redriving it: %v", err)
		}
		if data, err := letters.Original(t.Context(), &l); err != nil || !strings.Contains(string(data), "ok") {
			t.Errorf("its original is %q, %v: another stream's message", data, err)
		}
	}
	bury(t, broker.NewDeadLetters(r.conn, r.topo), letter("fcm", 1))
	if l := shown(t, r, 4); l.Foreign {
		t.Errorf("a worker's letter counts as forged: %+v", l)
	}
}

// What lies on a lane's retry subject and was not stored by that lane is a receipt of
// that place and time; its headers say nothing.
func TestForgedRetryIsNotBelieved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	forged := nats.Header{
		"Push-Origin-Stream": {"PUSH"}, "Push-Origin-Seq": {"7"}, "Push-Origin-Subject": {"push.receipts"}, "Push-Attempt": {"49"},
		"Push-First": {"2020-01-01T00:00:00Z"}, "Push-Redriven": {"3"}, "Push-Narrowed": {"true"},
	}
	r.store(t, "push.retry.fcm", "{}", forged)
	o := one(t, r.lane.Retries).Origin()
	if o.RootStream != "PUSH_RETRY" || o.RootSeq != o.Seq || o.Attempts != 0 || !o.First.Equal(o.Stored) || o.Redriven != 0 || o.Narrowed {
		t.Errorf("the origin is %+v", o)
	}
	// Nor do such headers on the subject of receipts, where every producer publishes.
	forged.Set("Push-Handler", "fcm")
	r.store(t, "push.receipts", "{}", forged)
	o = one(t, r.lane.Fresh).Origin()
	if o.RootStream != "PUSH" || o.RootSeq != o.Seq || o.Attempts != 0 || !o.First.Equal(o.Stored) || o.Redriven != 0 || o.Narrowed || len(o.Header) > 0 {
		t.Errorf("the origin of a receipt is %+v", o)
	}
}
