// Package embedded runs a NATS server with JetStream inside this process, for
// the first run, for development and for single machines.
//
// It refuses to know streams and receipts. What is lost at its border: the
// server's own options; who needs them runs a server of their own and sets
// PUSHWORKER_NATS_URL. So are TLS and authentication, which is why addresses
// that other machines can reach are refused.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

const (
	// listenWait bounds the wait for the listener once the store is open.
	listenWait = 10 * time.Second
	// syncEvery is how often the server fsyncs unless SyncAlways is set. The
	// server's own default, two minutes, is how much a power cut would take.
	syncEvery = time.Second
	// maxStore is above what any disk holds: the server reserves each stream's
	// limit in full, and refuses to create a stream beyond 3/4 of the free disk.
	maxStore = 1 << 50
	// maxMemory bounds streams in memory, of which pushworker has none.
	maxMemory = 256 << 20
)

// Options configures the embedded server.
type Options struct {
	// Addr is host:port to listen on; port 0 takes a free one.
	Addr string
	// DataDir is the directory of the store; it is created and locked.
	DataDir string
	// SyncAlways makes the server fsync before each confirmation instead of once a
	// second.
	SyncAlways bool
	// Insecure allows an Addr that other machines can reach, without TLS and
	// authentication.
	Insecure bool
	// Log gets the server's warnings and errors, and the rest at debug level.
	Log zerolog.Logger
}

// Server is a running embedded server.
type Server struct {
	server *server.Server
	lock   *flock.Flock
	stop   sync.Once
}

// Start runs a server and returns when it is ready. It waits until ctx ends,
// because opening a large store after a crash takes its time. Errors:
// [*LockedError]; an address that is taken or refused; a store written by a
// newer version. After an error nothing is left running.
func Start(ctx context.Context, o Options) (*Server, error) {
	host, port, err := listenAddress(o)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock}
	if err := s.start(ctx, o, host, port); err != nil {
		s.Shutdown()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options, host string, port int) error {
	if err := markVersion(o.DataDir, server.VERSION); err != nil {
		return err
	}
	if err := probe(ctx, o.Addr); err != nil {
		return err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "pushworker-embedded", Host: host, Port: port,
		JetStream: true, StoreDir: o.DataDir, JetStreamMaxStore: maxStore, JetStreamMaxMemory: maxMemory,
		SyncInterval: syncEvery, SyncAlways: o.SyncAlways,
		NoSigs: true, // its signal handler would exit under our feet
	})
	if err != nil {
		return fmt.Errorf("configuring the embedded broker: %w", err)
	}
	s.server = srv
	fatal := make(chan string, 1)
	srv.SetLoggerV2(&logger{log: o.Log, fatal: fatal}, false, false, false)
	return s.waitReady(ctx, fatal, o)
}

// waitReady starts the server. The server reports what it cannot do, such as
// listening, through its logger only.
func (s *Server) waitReady(ctx context.Context, fatal <-chan string, o Options) error {
	started := make(chan struct{})
	go func() {
		defer close(started)
		s.server.Start()
	}()
	select {
	case <-started:
	case <-ctx.Done():
		s.server.Shutdown()
		<-started
		return fmt.Errorf("starting the embedded broker in %s: %w: a large store takes its time, try again", o.DataDir, context.Cause(ctx))
	}
	select {
	case text := <-fatal:
		return fmt.Errorf("starting the embedded broker on %s in %s: %s: check PUSHWORKER_EMBEDDED_ADDR and PUSHWORKER_DATA_DIR", o.Addr, o.DataDir, text)
	default:
	}
	if !s.server.ReadyForConnections(listenWait) {
		return fmt.Errorf("starting the embedded broker: not listening on %s after %s: set PUSHWORKER_EMBEDDED_ADDR to another address", o.Addr, listenWait)
	}
	return nil
}

// listenAddress splits o.Addr and refuses what other machines can reach.
func listenAddress(o Options) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return "", 0, fmt.Errorf("PUSHWORKER_EMBEDDED_ADDR %q: %w: use host:port, for example 127.0.0.1:4222", o.Addr, err)
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("PUSHWORKER_EMBEDDED_ADDR %q: port %q is not a number from 0 to 65535", o.Addr, service)
	}
	if port = int(n); port == 0 {
		port = server.RANDOM_PORT
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) && !o.Insecure {
		return "", 0, fmt.Errorf("PUSHWORKER_EMBEDDED_ADDR %q can be reached by other machines, and the embedded broker has neither TLS nor authentication: "+
			"listen on 127.0.0.1, or run a NATS server and set PUSHWORKER_NATS_URL, or, in a network you trust, set PUSHWORKER_EMBEDDED_INSECURE=true", o.Addr)
	}
	return host, port, nil
}

// probe tells a taken address before the store is opened.
func probe(ctx context.Context, addr string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err == nil {
		err = l.Close()
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s: set PUSHWORKER_EMBEDDED_ADDR to a free address, or, if it is a NATS server, PUSHWORKER_NATS_URL=nats://%s to use it: %w", addr, addr, err)
	case err != nil:
		return fmt.Errorf("listening on %s: %w: set PUSHWORKER_EMBEDDED_ADDR to an address of this machine", addr, err)
	}
	return nil
}

// ClientURL is where clients of this machine connect, for example
// "nats://127.0.0.1:4222".
func (s *Server) ClientURL() string {
	host, port, err := net.SplitHostPort(s.server.Addr().String())
	if err != nil {
		return s.server.ClientURL()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "nats://" + net.JoinHostPort(host, port)
}

// InProcess connects clients of this process through a pipe.
func (s *Server) InProcess() nats.InProcessConnProvider { return s.server }

// Shutdown stops the server, waits for it and unlocks the data directory.
// Clients must have been closed before. It may be called more than once.
func (s *Server) Shutdown() {
	s.stop.Do(func() {
		if s.server != nil {
			s.server.Shutdown()
			s.server.WaitForShutdown()
		}
		unlockDir(s.lock)
	})
}
