// Package embedded runs a NATS server with JetStream inside this process, for
// the first run, for development and for single machines.
//
// It refuses to know streams and receipts. What is lost at its border: the
// server's own options, accounts and permissions among them; who needs those runs
// a server of their own and sets PUSHWORKER_NATS_URL. Here one token lets in, and
// an address that other machines can reach needs it, and TLS.
package embedded

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

const (
	// listenWait bounds the wait for the listener once the store is open.
	listenWait = 10 * time.Second
	// tlsTimeout is how long a client may take for its handshake.
	tlsTimeout = 5 * time.Second
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
	// Token is what clients log in with, those of this process too; "" lets
	// everybody in.
	Token string
	// CertFile and KeyFile are PEM files, read again for each connection, so that
	// a renewed certificate needs no restart; "" for no TLS.
	CertFile, KeyFile string
	// Insecure allows an Addr that other machines can reach without both.
	Insecure bool
	// Log gets the server's warnings and errors, and the rest at debug level.
	Log zerolog.Logger
}

// Server is a running embedded server.
type Server struct {
	server *server.Server
	lock   *flock.Flock
	tls    bool
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
	if err := checkCertificate(o); err != nil {
		return nil, err
	}
	lock, err := lockDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, tls: o.CertFile != ""}
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
		Authorization: o.Token, TLSConfig: tlsConfig(o), TLSTimeout: tlsTimeout.Seconds(),
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

// ClientURL is where clients of this machine connect, for example
// "nats://127.0.0.1:4222", or "tls://…" with a certificate. The token is not in it.
func (s *Server) ClientURL() string {
	host, port, err := net.SplitHostPort(s.server.Addr().String())
	if err != nil {
		return s.server.ClientURL()
	}
	scheme := "nats://"
	if s.tls {
		scheme = "tls://"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, port)
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
