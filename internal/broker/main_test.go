package broker_test

import (
	"context"
	"errors"
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
	n, err := s.Pull(ctx, 1, 0, func(m consumer.Message) { got = m })
	if n != 1 || err != nil {
		tb.Fatalf("Pull = %d, %v; want 1 message", n, err)
	}
	ack(tb, got)
	return got
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

// eventually waits until ok.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(deadline)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			tb.Fatalf("after %s: not yet %s", deadline, what)
		}
	}
}

// wantError fails unless err says each of words.
func wantError(tb testing.TB, err error, words ...string) {
	tb.Helper()
	if err == nil {
		tb.Fatalf("no error; want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			tb.Errorf("error %q does not say %q", err, w)
		}
	}
}

// proxy is a wire to a broker that can be cut.
type proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup
	mangle   func([]byte) []byte // what the client sends

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
}

func newProxy(tb testing.TB, url string, mangle ...func([]byte) []byte) *proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{listener: l, target: strings.TrimPrefix(url, "nats://"), mangle: func(b []byte) []byte { return b }}
	for _, f := range mangle {
		p.mangle = f
	}
	p.wg.Go(p.accept)
	tb.Cleanup(func() {
		_ = l.Close()
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
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		if p.closed {
			_ = in.Close()
			_ = out.Close()
		}
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.wg.Go(func() { pump(in, out, func(b []byte) []byte { return b }) })
		p.wg.Go(func() { pump(out, in, p.mangle) })
	}
}

// pump copies until either end closes.
func pump(to, from net.Conn, mangle func([]byte) []byte) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err == nil {
			_, err = to.Write(mangle(buf[:n]))
		}
		if err != nil {
			_ = to.Close()
			_ = from.Close()
			return
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
		_ = c.Close()
	}
	p.conns = nil
}
