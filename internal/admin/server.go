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
	"golang.org/x/sync/errgroup"
)

const (
	// writeTimeout bounds an answer, and with it the length of a profile.
	writeTimeout = 60 * time.Second
	// shutdownTimeout is how long answers that have begun may take when Run ends.
	shutdownTimeout = 250 * time.Millisecond
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
	// Socket is a path where programs of the same user are let in without a token, if
	// Addr is not on loopback; empty for none. See [SocketPath].
	Socket string
	// Pprof serves profiles under /debug/pprof/.
	Pprof bool
	// Metrics is what /metrics serves.
	Metrics prometheus.Gatherer
	// Ready are the checks of /readyz, in the order in which they are told.
	Ready []Check
	// Alive are the checks of /livez: what only a restart of the process repairs.
	Alive []Check
	// Status returns the document that /status serves. It must not wait.
	Status func() Status
	// SetLevel sets from which level on the process logs; nil where that is fixed.
	SetLevel func(level string) error
	// Log gets what goes wrong with a connection.
	Log zerolog.Logger
}

// Server serves one admin address. Make one with [Listen], call Run once.
type Server struct {
	doors []door // the address first
}

// door is a listener and what is served there.
type door struct {
	net.Listener

	http *http.Server
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
	local := isLoopback(listener.Addr())
	s := &Server{doors: []door{o.door(listener, guard(o.Token, local))}}
	if local || o.Socket == "" {
		return s, nil
	}
	socket, err := listenSocket(ctx, o.Socket)
	if err != nil { // the worker does its work without
		o.Log.Warn().Err(err).Msg("there is no socket for commands of this machine: status, doctor and healthcheck need PUSHWORKER_ADMIN_TOKEN")
		return s, nil
	}
	s.doors = append(s.doors, o.door(socket, open))
	return s, nil
}

// door serves at a listener whom the guard lets through.
func (o Options) door(l net.Listener, guard func(http.Handler) http.Handler) door {
	return door{l, &http.Server{
		Handler:           routes(o, guard),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    maxRequest,
		ErrorLog:          log.New(o.Log, "", 0),
	}}
}

// Addr is the address the server listens on.
func (s *Server) Addr() string { return s.doors[0].Addr().String() }

// Run serves until ctx ends, then lets answers that have begun end within a quarter of
// a second and returns nil.
func (s *Server) Run(ctx context.Context) error {
	serving, failed := errgroup.WithContext(ctx)
	for _, d := range s.doors {
		serving.Go(func() error {
			if err := d.http.Serve(d); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve the admin address: %w", err)
			}
			return nil
		})
		serving.Go(func() error {
			<-failed.Done()
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
			defer cancel()
			if err := d.http.Shutdown(grace); err != nil {
				_ = d.http.Close() // what is cut off is a profile or a client that does not read
			}
			return nil
		})
	}
	return serving.Wait() //nolint:wrapcheck // it is ours
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
