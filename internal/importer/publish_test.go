package importer_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

func TestPublishStoresOnce(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	p := newPublisher(t, nc, publisher.Config{})

	for i, want := range []publisher.Ack{
		{Stream: "PUSH", Seq: 1},
		{Stream: "PUSH", Seq: 1, Duplicate: true},
	} {
		got, err := p.Publish(patient(t), message(42))
		if err != nil {
			t.Fatalf("publish %d: %v", i, err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("ack %d (-want +got):\n%s", i, diff)
		}
	}
	msgs := stored(t, s)
	if len(msgs) != 1 {
		t.Fatalf("stream has %d messages, want 1", len(msgs))
	}
	want := `{"to":{"782riWdFIwE":{"delivered":0,"unread":42}},"channel":"","payload":{"what":"msg","silent":false,` +
		`"topic":"grpChess","ts":"2026-11-24T09:30:15.123Z","from":"usrEDJUdpi63P4","seq":42,"mime":"","content":"hello"}}`
	if got := string(msgs[0].Data); got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	if got, want := msgs[0].Header.Get(jetstream.MsgIDHeader), publisher.DedupID(message(42)); got != want {
		t.Errorf("%s is %q, want %q", jetstream.MsgIDHeader, got, want)
	}
}

func TestPublishOptions(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	type key struct{}
	p := newPublisher(t, nc, publisher.Config{
		Subject: "push.receipts.eu",
		DedupID: func(r *push.Receipt) string { return r.Payload.Topic },
		Trace: func(ctx context.Context) map[string]string {
			return map[string]string{"Traceparent": ctx.Value(key{}).(string), "TraceState": "a=b"}
		},
	})
	ctx := context.WithValue(patient(t), key{}, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	expires := time.Date(2026, 11, 24, 10, 0, 0, 5e6, time.FixedZone("", 3600))

	if _, err := p.Publish(ctx, message(1), publisher.Expires(expires), publisher.Header("X-Tenant", "a\r\nb")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(ctx, message(1), publisher.Subject("push.receipts"), publisher.ID("mine"),
		publisher.Header("traceparent", "other"), publisher.Expires(time.Time{})); err != nil {
		t.Fatal(err)
	}
	type sent struct {
		Subject string
		Header  nats.Header
	}
	var got []sent
	for _, m := range stored(t, s) {
		got = append(got, sent{m.Subject, m.Header})
	}
	want := []sent{
		{"push.receipts.eu", nats.Header{
			"Nats-Msg-Id":  {"grpChess"},
			"traceparent":  {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
			"tracestate":   {"a=b"},
			"Push-Expires": {"2026-11-24T09:00:00.005Z"},
			"X-Tenant":     {"a  b"},
		}},
		{"push.receipts", nats.Header{"Nats-Msg-Id": {"mine"}, "traceparent": {"other"}, "tracestate": {"a=b"}}},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestPublishRawKeepsBytes(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	p := newPublisher(t, nc, publisher.Config{})

	inputs := []string{"{ \"to\":null }\n", "\xff not JSON", ""}
	for _, in := range inputs {
		if _, err := p.PublishRaw(patient(t), []byte(in)); err != nil {
			t.Fatalf("publish %q: %v", in, err)
		}
	}
	ack, err := p.PublishRaw(patient(t), []byte(inputs[0]))
	if err != nil {
		t.Fatal(err)
	}
	if ack.Duplicate {
		t.Error("second call without an id was taken for a duplicate of the first")
	}
	var got []string
	for _, m := range stored(t, s) {
		got = append(got, string(m.Data))
	}
	if diff := gocmp.Diff(append(inputs, inputs[0]), got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	subjects := []string{"push.receipts", "push.receipts.>"}
	url := brokertest.StartWithUsers(t,
		brokertest.User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}},
		brokertest.User{Name: "least", Publish: subjects, Subscribe: []string{"_INBOX_chat.>"}},
		brokertest.User{Name: "noinbox", Publish: subjects, Subscribe: []string{"other"}},
		brokertest.User{Name: "noreceipts", Publish: []string{"other"}, Subscribe: []string{">"}},
	)
	stream(t, dial(t, url("admin")), func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1024; c.MaxBytes = 1100 })

	big := func(n int) *push.Receipt {
		r := message(1)
		r.Payload.Content = strings.Repeat("x", n)
		return r
	}
	listed := func(devices int) *push.Receipt {
		r := message(2)
		r.To = map[push.Uid]push.Recipient{1: {Devices: make([]string, devices)}}
		return r
	}
	fill := newPublisher(t, dial(t, url("least"), nats.CustomInboxPrefix("_INBOX_chat")), publisher.Config{})
	if _, err := fill.Publish(patient(t), big(700)); err != nil {
		t.Fatalf("fill the stream, with the least permissions: %v", err)
	}
	unencodable := message(1)
	unencodable.Payload.Content = make(chan int)
	tests := []struct {
		name, user string
		receipt    *push.Receipt
		subject    string
		retryFor   time.Duration
		want       error
		says       string
	}{
		{name: "stream is full", user: "admin", receipt: message(2), want: publisher.ErrFull, says: "maximum bytes exceeded"},
		{name: "over the stream's limit", user: "admin", receipt: big(1024), want: publisher.ErrTooLarge, says: "max_msg_size"},
		{name: "over the broker's limit", user: "admin", receipt: big(2 << 20), want: publisher.ErrTooLarge, says: "max_payload"},
		{name: "one recipient over the workers' limit", user: "admin", receipt: listed(20_001), want: publisher.ErrTooLarge, says: "more than 20000 recipients"},
		{name: "may not publish", user: "noreceipts", receipt: message(3), want: publisher.ErrDenied, says: "allow this user"},
		{name: "may not hear the ack", user: "noinbox", receipt: message(4), want: publisher.ErrDenied, says: "_INBOX"},
		{
			name: "nobody's subject", user: "admin", receipt: message(5), subject: "nowhere",
			retryFor: 200 * time.Millisecond, want: publisher.ErrNoStream, says: "start pushworker",
		},
		{name: "bad subject", user: "admin", receipt: message(6), subject: "push.*", want: publisher.ErrRefused, says: `"push.*"`},
		{name: "nil", user: "admin", want: publisher.ErrRefused, says: "nil"},
		{name: "no JSON", user: "admin", receipt: unencodable, want: publisher.ErrRefused, says: "encode"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nc := dial(t, url(tt.user), nats.CustomInboxPrefix("_INBOX_chat"))
			p := newPublisher(t, nc, publisher.Config{
				RetryFor: cmp.Or(tt.retryFor, time.Hour), AckTimeout: 100 * time.Millisecond,
			})
			_, err := p.Publish(patient(t), tt.receipt, publisher.Subject(cmp.Or(tt.subject, publisher.DefaultSubject)))
			if !errors.Is(err, tt.want) {
				t.Fatalf("error is %v, want %v", err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q does not say %q", err, tt.says)
			}
			if strings.Contains(err.Error(), "xxx") {
				t.Error("error holds the content")
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	for name, cfg := range map[string]publisher.Config{
		"wildcard subject":  {Subject: "push.>"},
		"empty token":       {Subject: "push..receipts"},
		"negative bound":    {MaxInFlight: -1},
		"negative patience": {RetryFor: -1},
	} {
		if _, err := publisher.New(nc, cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	nc.Close()
	if _, err := publisher.New(nc, publisher.Config{}); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("closed connection: error is %v", err)
	}
}
