package brokertest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// Rig is a provisioned broker with one lane "fcm" and a client of its own.
type Rig struct {
	Broker    *Broker
	Topology  topology.Topology
	Conn      *broker.Conn
	Lane      queue.Lane
	NATS      *nats.Conn
	JetStream jetstream.JetStream
}

// NewRig changes the topology before it is provisioned.
func NewRig(tb testing.TB, change ...func(*topology.Topology)) *Rig {
	tb.Helper()
	b := Start(tb)
	r := &Rig{Broker: b, Topology: b.Topology("fcm")}
	for _, f := range change {
		f(&r.Topology)
	}
	r.Conn = b.Connect(tb)
	r.NATS, r.JetStream = Client(tb, b.URL())
	if _, err := topology.Provision(tb.Context(), r.Conn, r.Topology); err != nil {
		tb.Fatal(err)
	}
	r.Lane = BindLane(tb, r.Conn, r.Topology)
	return r
}

// Restart restarts the broker, and waits until both connections have been made anew: one
// that has not noticed yet says that it is connected.
func (r *Rig) Restart(tb testing.TB) {
	tb.Helper()
	conn, client := r.Conn.Reconnects(), r.NATS.Stats().Reconnects
	r.Broker.Restart(tb)
	Eventually(tb, "connected again", func() bool {
		return r.Conn.Reconnects() > conn && r.NATS.Stats().Reconnects > client && r.Conn.Connected() && r.NATS.IsConnected()
	})
}

// Client returns a connection of its own, that reconnects quickly.
func Client(tb testing.TB, url string) (*nats.Conn, jetstream.JetStream) {
	tb.Helper()
	nc, err := nats.Connect(url, nats.Timeout(Deadline), nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	return nc, js
}

// BindLane binds the durables of lane fcm.
func BindLane(tb testing.TB, c *broker.Conn, topo topology.Topology) queue.Lane {
	tb.Helper()
	lane, err := queue.Bind(tb.Context(), c, topo, "fcm", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return lane
}

// Publish stores n receipts "0", "1", … on push.receipts.
func (r *Rig) Publish(tb testing.TB, n int) {
	tb.Helper()
	Fill(tb, r.JetStream, r.Topology.Subject, n, func(i int) []byte { return []byte(strconv.Itoa(i)) })
}

// Store stores one message.
func (r *Rig) Store(tb testing.TB, subject, data string, header nats.Header) {
	tb.Helper()
	if _, err := r.JetStream.PublishMsg(tb.Context(), &nats.Msg{Subject: subject, Data: []byte(data), Header: header}); err != nil {
		tb.Fatal(err)
	}
}

// Stored returns all messages of a stream.
func (r *Rig) Stored(tb testing.TB, stream string) []*jetstream.RawStreamMsg {
	tb.Helper()
	s, err := r.JetStream.Stream(tb.Context(), stream)
	if err != nil {
		tb.Fatal(err)
	}
	var all []*jetstream.RawStreamMsg
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq > 0 && seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(tb.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// Info asks for the state of a durable of PUSH.
func (r *Rig) Info(tb testing.TB, Durable string) *jetstream.ConsumerInfo {
	tb.Helper()
	c, err := r.JetStream.Consumer(tb.Context(), "PUSH", Durable)
	if err != nil {
		tb.Fatal(err)
	}
	return c.CachedInfo()
}

// AwaitPending waits until n messages of stream are to come to a durable. The broker
// counts what is stored, for durables that exist then, after it has confirmed it; for a
// durable that is made later the count is right at once.
func (r *Rig) AwaitPending(tb testing.TB, stream, durable string, n uint64) {
	tb.Helper()
	Eventually(tb, fmt.Sprintf("%d of %s to come to %s", n, stream, durable), func() bool {
		c, err := r.JetStream.Consumer(tb.Context(), stream, durable)
		if err != nil {
			tb.Fatal(err)
		}
		return c.CachedInfo().NumPending == n
	})
}

// Ack acks a message.
func Ack(tb testing.TB, m consumer.Message) {
	tb.Helper()
	if err := m.Ack(); err != nil {
		tb.Error(err)
	}
}

// PullOne pulls one message and acks it.
func PullOne(tb testing.TB, s *queue.Source) consumer.Message {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), Deadline)
	defer cancel()
	var got consumer.Message
	n, err := s.Pull(ctx, 1, 0, nil, func(m consumer.Message) { got = m })
	if n != 1 || err != nil {
		tb.Fatalf("Pull = %d, %v; want 1 message", n, err)
	}
	Ack(tb, got)
	return got
}

// RetryOf is a retry of a message as a lane would make it.
func RetryOf(m consumer.Message, delay time.Duration) consumer.Retry {
	r := consumer.Retry{Handler: "fcm", Data: []byte("narrowed"), Delay: delay, Error: "provider says no", Origin: *m.Origin()}
	r.Origin.Attempts++
	return r
}

// ConnectTo connects until the test ends.
func ConnectTo(t *testing.T, url string, log zerolog.Logger) *broker.Conn {
	t.Helper()
	c, err := broker.Connect(t.Context(), broker.Options{URL: url, Name: "test", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Consume makes a durable of PUSH.
func Consume(t *testing.T, js jetstream.JetStream, c jetstream.ConsumerConfig) {
	t.Helper()
	if _, err := js.CreateConsumer(t.Context(), "PUSH", c); err != nil {
		t.Fatal(err)
	}
}

// DeleteDurable deletes that of lane fcm.
func DeleteDurable(t *testing.T, r *Rig) {
	t.Helper()
	if err := r.JetStream.DeleteConsumer(t.Context(), "PUSH", "fcm"); err != nil {
		t.Fatal(err)
	}
}
