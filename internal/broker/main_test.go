package broker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/consumer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline is how long a test waits for what must happen.
const deadline = 30 * time.Second

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
func newRig(t testing.TB, change ...func(*broker.Topology)) *rig {
	t.Helper()
	b := brokertest.Start(t)
	r := &rig{broker: b, topo: b.Topology("fcm")}
	for _, f := range change {
		f(&r.topo)
	}
	r.conn = b.Connect(t)
	r.nc, r.js = client(t, b.URL())
	if _, err := r.conn.Provision(t.Context(), r.topo); err != nil {
		t.Fatal(err)
	}
	r.lane = bind(t, r.conn, r.topo)
	return r
}

func client(t testing.TB, url string) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(url, nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

func bind(t testing.TB, c *broker.Conn, topo broker.Topology) broker.Lane {
	t.Helper()
	lane, err := c.Lane(t.Context(), topo, "fcm")
	if err != nil {
		t.Fatal(err)
	}
	return lane
}

// publish stores n receipts "0", "1", … on push.receipts.
func (r *rig) publish(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		for {
			_, err := r.js.PublishAsync(r.topo.Subject, []byte(strconv.Itoa(i)))
			if err == nil {
				break
			}
			if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
				t.Fatal(err)
			}
		}
	}
	select {
	case <-r.js.PublishAsyncComplete():
	case <-time.After(deadline):
		t.Fatal("receipts were not stored")
	}
}

// store stores one message.
func (r *rig) store(t testing.TB, subject, data string, header nats.Header) {
	t.Helper()
	if _, err := r.js.PublishMsg(t.Context(), &nats.Msg{Subject: subject, Data: []byte(data), Header: header}); err != nil {
		t.Fatal(err)
	}
}

// one pulls one message and acks it.
func one(t testing.TB, s *broker.Source) consumer.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var got consumer.Message
	n, err := s.Pull(ctx, 1, func(m consumer.Message) { got = m })
	if n != 1 || err != nil {
		t.Fatalf("Pull = %d, %v; want 1 message", n, err)
	}
	if err := got.Ack(); err != nil {
		t.Fatal(err)
	}
	return got
}

// stored returns all messages of a stream.
func (r *rig) stored(t testing.TB, stream string) []*jetstream.RawStreamMsg {
	t.Helper()
	s, err := r.js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	var all []*jetstream.RawStreamMsg
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq > 0 && seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// info asks for the state of a durable.
func (r *rig) info(t testing.TB, stream, durable string) *jetstream.ConsumerInfo {
	t.Helper()
	c, err := r.js.Consumer(t.Context(), stream, durable)
	if err != nil {
		t.Fatal(err)
	}
	return c.CachedInfo()
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(deadline)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("after %s: not yet %s", deadline, what)
		}
	}
}

// wantError fails unless err says each of words.
func wantError(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// proxy is a wire to a broker that can be cut.
type proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
	closed   bool
}

func newProxy(t testing.TB, url string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: strings.TrimPrefix(url, "nats://")}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		if p.closed {
			in.Close()
			out.Close()
		}
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			p.wg.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				pair[0].Close()
				pair[1].Close()
			})
		}
	}
}

// shut cuts and keeps the wire cut until it is called with false.
func (p *proxy) shut(closed bool) {
	p.mu.Lock()
	p.closed = closed
	p.mu.Unlock()
	p.cut()
}

// cut breaks every connection; new ones are taken.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}
