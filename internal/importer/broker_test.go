package importer_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// patience bounds every wait of these tests; none is meant to reach it.
const patience = time.Minute

// brokerDirEnv makes the test binary a broker of its own, for tests that kill one.
const brokerDirEnv, brokerAddrEnv = "PUBLISHER_TEST_BROKER_DIR", "PUBLISHER_TEST_BROKER_ADDR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(brokerDirEnv); dir != "" {
		os.Exit(runBroker(dir, os.Getenv(brokerAddrEnv)))
	}
	if file := os.Getenv(chatFileEnv); file != "" {
		fmt.Fprintln(os.Stderr, runChat(file)) // it ends when it is killed
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// runBroker serves until standard input ends, as it does when the parent dies.
func runBroker(dir, addr string) int {
	s, err := embedded.Start(context.Background(), embedded.Options{Addr: addr, DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
	return 0
}

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
	t         *testing.T
	dir, addr string
	cmd       *exec.Cmd
}

func startChildBroker(t *testing.T) *childBroker {
	t.Helper()
	b := &childBroker{t: t, dir: t.TempDir(), addr: address.For(t)}
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
	b.cmd.Env = append(os.Environ(), brokerDirEnv+"="+b.dir, brokerAddrEnv+"="+b.addr)
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

func (b *childBroker) url() string { return "nats://" + b.addr }
