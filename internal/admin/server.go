package admin

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

const (
	// writeTimeout bounds an answer, and with it the length of a profile.
	writeTimeout = 60 * time.Second
	// shutdownTimeout is how long answers that have begun may take when Run ends.
	shutdownTimeout = 5 * time.Second
	// maxRequest bounds the header of a request, and its body, which nobody reads.
	maxRequest = 16 << 10
)

// Options says what a [Server] serves. Addr, Metrics and Status are needed.
type Options struct {
	// Addr is host:port to listen on; port 0 takes a free one.
	Addr string
	// Token guards /status and profiles when it is not empty. Off loopback they are
	// closed without one.
	Token string
	// Pprof serves profiles under /debug/pprof/.
	Pprof bool
	// Metrics is what /metrics serves.
	Metrics prometheus.Gatherer
	// Ready are the checks of /readyz, in the order in which they are told.
	Ready []Check
	// Status returns the document that /status serves. It must not wait.
	Status func() Status
	// Log gets what goes wrong with a connection.
	Log zerolog.Logger
}

// Server serves one admin address. Make one with [Listen], call Run once.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Listen opens the address, so that one that is taken is an error before the
// worker starts its work. Call Run, which closes it.
func Listen(ctx context.Context, o Options) (*Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on the admin address %s: another process has it: stop that, or set PUSHWORKER_ADMIN_ADDR to a free one: %w", o.Addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on the admin address %s: check PUSHWORKER_ADMIN_ADDR: %w", o.Addr, err)
	}
	return &Server{
		listener: listener,
		http: &http.Server{
			Handler:           routes(o, isLoopback(listener.Addr())),
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       60 * time.Second,
			MaxHeaderBytes:    maxRequest,
			ErrorLog:          log.New(o.Log, "", 0),
		},
	}, nil
}

// Addr is the address the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run serves until ctx ends, then lets answers that have begun end within five
// seconds and returns nil.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1) // room for the end of Serve while nobody waits
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the admin address: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil {
		_ = s.http.Close() // what is cut off is a profile or a client that does not read
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the admin address: %w", err)
	}
	return nil
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
