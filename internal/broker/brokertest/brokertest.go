// Package brokertest gives tests a real broker: an in-process nats-server with
// JetStream on a free loopback port and a temporary store. It refuses to fake
// anything. What is lost at its border: a crash; Stop is an orderly end.
package brokertest

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Broker is a server for one test.
type Broker struct {
	dir, addr string
	server    *embedded.Server
}

// Start runs a server until the test ends.
func Start(tb testing.TB) *Broker {
	tb.Helper()
	b := &Broker{dir: tb.TempDir(), addr: address.For(tb)}
	tb.Cleanup(func() { b.Stop(tb) })
	b.Restart(tb)
	return b
}

// URL is where clients connect; it stays the same over Restart.
func (b *Broker) URL() string { return "nats://" + b.addr }

// Connect returns a connection that is closed when the test ends.
func (b *Broker) Connect(tb testing.TB) *broker.Conn {
	tb.Helper()
	c, err := broker.Connect(tb.Context(), broker.Options{URL: b.URL(), Name: tb.Name()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// Topology returns a small topology with these handlers, not yet provisioned.
func (b *Broker) Topology(handlers ...string) topology.Topology {
	return topology.Topology{
		Stream: "PUSH", Subject: "push.receipts", Replicas: 1,
		History: time.Hour, DeadMaxAge: time.Hour, AckWait: 30 * time.Second,
		MaxBytes: 1 << 30, RetryMaxBytes: 1 << 30, DeadMaxBytes: 64 << 20,
		Handlers: handlers,
	}
}

// Stop stops the server; connections notice. Restart brings it back on the same
// store and port.
func (b *Broker) Stop(tb testing.TB) {
	tb.Helper()
	if b.server != nil {
		b.server.Shutdown()
		address.Vacated(b.addr)
		b.server = nil
	}
}

// Restart stops the server if it runs and starts it on the same store and port.
func (b *Broker) Restart(tb testing.TB) {
	tb.Helper()
	b.Stop(tb)
	for end := time.Now().Add(Deadline); ; {
		s, err := embedded.Start(tb.Context(), embedded.Options{Addr: b.addr, DataDir: b.dir, Log: zerolog.Nop()})
		if err == nil {
			b.server = s
			return
		}
		// The address is ours. But the server looks at it before it listens, and a process that is being
		// started at that moment holds what it has looked with.
		if !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) || time.Now().After(end) {
			tb.Fatal(err)
		}
		address.Vacated(b.addr)
	}
}

// DeleteStream removes a stream, as an operator's mistake would.
func (b *Broker) DeleteStream(tb testing.TB, stream string) {
	tb.Helper()
	if err := b.client(tb).DeleteStream(tb.Context(), stream); err != nil {
		tb.Fatal(err)
	}
}

// Store stores n messages on subject, body(0) to body(n-1).
func (b *Broker) Store(tb testing.TB, subject string, n int, body func(i int) []byte) {
	tb.Helper()
	Fill(tb, b.client(tb), subject, n, body)
}

// Purge erases the messages of a stream on subject.
func (b *Broker) Purge(tb testing.TB, stream, subject string) {
	tb.Helper()
	s, err := b.client(tb).Stream(tb.Context(), stream)
	if err == nil {
		err = s.Purge(tb.Context(), jetstream.WithPurgeSubject(subject))
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// Listen calls heard with the subject of each message that is sent on a subject, until
// stop or the end of the test.
func (b *Broker) Listen(tb testing.TB, subject string, heard func(subject string)) (stop func()) {
	tb.Helper()
	nc := b.Connect(tb).NATS()
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) { heard(m.Subject) })
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return func() { _ = sub.Unsubscribe() } // it fails only when the connection is closed
}

func (b *Broker) client(tb testing.TB) jetstream.JetStream {
	tb.Helper()
	return client(tb, b.URL())
}

// client is one of its own, until the test ends.
func client(tb testing.TB, url string) jetstream.JetStream {
	tb.Helper()
	nc, err := nats.Connect(url, nats.Timeout(Deadline))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	return js
}
