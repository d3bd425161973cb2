package publisher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// patience bounds every wait of these tests; none is meant to reach it.
const patience = 30 * time.Second

// brokerDirEnv makes the test binary a broker of its own, for tests that kill one.
const brokerDirEnv, brokerPortEnv = "PUBLISHER_TEST_BROKER_DIR", "PUBLISHER_TEST_BROKER_PORT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(brokerDirEnv); dir != "" {
		os.Exit(runBroker(dir, os.Getenv(brokerPortEnv)))
	}
	goleak.VerifyTestMain(m)
}

// runBroker serves until standard input ends, as it does when the parent dies.
func runBroker(dir, port string) int {
	n, err := strconv.Atoi(port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	s, err := newServer(dir, n, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
	s.WaitForShutdown()
	return 0
}

func newServer(dir string, port int, change func(*server.Options)) (*server.Server, error) {
	opts := &server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
		NoSystemAccount: true,
	}
	if change != nil {
		change(opts)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		return nil, errors.New("broker is not ready")
	}
	return s, nil
}

// broker is an in-process nats-server that can be restarted on its store.
type broker struct {
	t    *testing.T
	dir  string
	port int
	s    *server.Server
}

func startBroker(t *testing.T, change func(*server.Options)) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir(), port: server.RANDOM_PORT}
	b.start(change)
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start(change func(*server.Options)) {
	b.t.Helper()
	s, err := newServer(b.dir, b.port, change)
	if err != nil {
		b.t.Fatal(err)
	}
	b.s, b.port = s, s.Addr().(*net.TCPAddr).Port
}

func (b *broker) stop() {
	b.s.Shutdown()
	b.s.WaitForShutdown()
}

func (b *broker) url() string { return "nats://127.0.0.1:" + strconv.Itoa(b.port) }

// dial connects to url and stays connected until the end of the test.
func dial(t *testing.T, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	opts = append([]nats.Option{
		nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(20 * time.Millisecond),
		nats.ReconnectJitter(time.Millisecond, time.Millisecond), nats.NoCallbacksAfterClientClose(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, opts...)
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// newPublisher makes a publisher that is closed at the end of the test.
func newPublisher(t *testing.T, nc *nats.Conn, cfg publisher.Config) *publisher.Publisher {
	t.Helper()
	p, err := publisher.New(nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = p.Close(ctx) // tests that care close it themselves
	})
	return p
}

// stream makes the stream PUSH, with changes.
func stream(t *testing.T, nc *nats.Conn, change func(*jetstream.StreamConfig)) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cfg := jetstream.StreamConfig{
		Name: "PUSH", Subjects: []string{"push.receipts", "push.receipts.>"},
		Discard: jetstream.DiscardNew, Duplicates: 2 * time.Minute,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := js.CreateOrUpdateStream(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// count is how many messages the stream has.
func count(t *testing.T, s jetstream.Stream) int {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(info.State.Msgs)
}

// stored reads the whole stream.
func stored(t *testing.T, s jetstream.Stream) []*jetstream.RawStreamMsg {
	t.Helper()
	n := count(t, s)
	if n == 0 {
		return nil
	}
	reader, err := s.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := reader.Fetch(n, jetstream.FetchMaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*jetstream.RawStreamMsg, 0, n)
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &jetstream.RawStreamMsg{
			Subject: m.Subject(), Sequence: meta.Sequence.Stream, Header: m.Headers(), Data: m.Data(),
		})
	}
	if batch.Error() != nil || len(all) != n {
		t.Fatalf("read %d of %d messages: %v", len(all), n, batch.Error())
	}
	return all
}

// patient is a context that ends before the test binary's own timeout.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// message is the receipt of the seq-th message of a conversation.
func message(seq int) *push.Receipt {
	return &push.Receipt{
		To: map[push.Uid]push.Recipient{0x0123456789abcdef: {Unread: seq}},
		Payload: push.Payload{
			What: push.ActMsg, Topic: "grpChess", From: "usrEDJUdpi63P4", SeqId: seq,
			Timestamp: time.Date(2026, 11, 24, 9, 30, 15, 123e6, time.UTC), Content: "hello",
		},
	}
}

// childBroker is a nats-server in a process of its own, to be killed.
type childBroker struct {
	t    *testing.T
	dir  string
	port int
	cmd  *exec.Cmd
}

func startChildBroker(t *testing.T) *childBroker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &childBroker{t: t, dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.kill)
	return b
}

func (b *childBroker) start() {
	b.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd = exec.Command(exe)
	b.cmd.Env = append(os.Environ(), brokerDirEnv+"="+b.dir, brokerPortEnv+"="+strconv.Itoa(b.port))
	b.cmd.Stderr = os.Stderr
	if _, err := b.cmd.StdinPipe(); err != nil {
		b.t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
}

// kill is kill -9.
func (b *childBroker) kill() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

func (b *childBroker) url() string { return "nats://127.0.0.1:" + strconv.Itoa(b.port) }
