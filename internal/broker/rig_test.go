package broker_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/consumer"
)

// rig is a provisioned broker with one lane "fcm" and a client of its own.
type rig struct {
	broker *brokertest.Broker
	topo   broker.Topology
	conn   *broker.Conn
	lane   broker.Lane
	nc     *nats.Conn
	js     jetstream.JetStream
}

// newRig changes the topology before it is provisioned.
func newRig(tb testing.TB, change ...func(*broker.Topology)) *rig {
	tb.Helper()
	b := brokertest.Start(tb)
	r := &rig{broker: b, topo: b.Topology("fcm")}
	for _, f := range change {
		f(&r.topo)
	}
	r.conn = b.Connect(tb)
	r.nc, r.js = client(tb, b.URL())
	if _, err := broker.Provision(tb.Context(), r.conn, r.topo); err != nil {
		tb.Fatal(err)
	}
	r.lane = bind(tb, r.conn, r.topo)
	return r
}

func client(tb testing.TB, url string) (*nats.Conn, jetstream.JetStream) {
	tb.Helper()
	nc, err := nats.Connect(url, nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1))
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

func bind(tb testing.TB, c *broker.Conn, topo broker.Topology) broker.Lane {
	tb.Helper()
	lane, err := broker.BindLane(tb.Context(), c, topo, "fcm", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return lane
}

// publish stores n receipts "0", "1", … on push.receipts.
func (r *rig) publish(tb testing.TB, n int) {
	tb.Helper()
	brokertest.Fill(tb, r.js, r.topo.Subject, n, func(i int) []byte { return []byte(strconv.Itoa(i)) })
}

// store stores one message.
func (r *rig) store(tb testing.TB, subject, data string, header nats.Header) {
	tb.Helper()
	if _, err := r.js.PublishMsg(tb.Context(), &nats.Msg{Subject: subject, Data: []byte(data), Header: header}); err != nil {
		tb.Fatal(err)
	}
}

// stored returns all messages of a stream.
func (r *rig) stored(tb testing.TB, stream string) []*jetstream.RawStreamMsg {
	tb.Helper()
	s, err := r.js.Stream(tb.Context(), stream)
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

// info asks for the state of a durable of PUSH.
func (r *rig) info(tb testing.TB, durable string) *jetstream.ConsumerInfo {
	tb.Helper()
	c, err := r.js.Consumer(tb.Context(), "PUSH", durable)
	if err != nil {
		tb.Fatal(err)
	}
	return c.CachedInfo()
}

func ack(tb testing.TB, m consumer.Message) {
	tb.Helper()
	if err := m.Ack(); err != nil {
		tb.Error(err)
	}
}

// one pulls one message and acks it.
func one(tb testing.TB, s *broker.Source) consumer.Message {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), deadline)
	defer cancel()
	var got consumer.Message
	n, err := s.Pull(ctx, 1, func(m consumer.Message) { got = m })
	if n != 1 || err != nil {
		tb.Fatalf("Pull = %d, %v; want 1 message", n, err)
	}
	ack(tb, got)
	return got
}

// retryOf is a retry of a message as a lane would make it.
func retryOf(m consumer.Message, delay time.Duration) consumer.Retry {
	r := consumer.Retry{Handler: "fcm", Data: []byte("narrowed"), Delay: delay, Error: "provider says no", Origin: m.Origin()}
	r.Origin.Attempts++
	return r
}

func connectTo(t *testing.T, url string, log zerolog.Logger) *broker.Conn {
	t.Helper()
	c, err := broker.Connect(t.Context(), broker.Options{URL: url, Name: "test", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func consume(t *testing.T, js jetstream.JetStream, c jetstream.ConsumerConfig) {
	t.Helper()
	if _, err := js.CreateConsumer(t.Context(), "PUSH", c); err != nil {
		t.Fatal(err)
	}
}

func deleteDurable(t *testing.T, r *rig) {
	t.Helper()
	if err := r.js.DeleteConsumer(t.Context(), "PUSH", "fcm"); err != nil {
		t.Fatal(err)
	}
}
