package fake

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A Server is a fake: one kind's words on this package's line. Its methods may be
// called from any goroutine.
type Server struct {
	kind     Kind
	server   string // as it calls itself
	options  Options
	listener net.Listener
	second   net.Listener // of TLSAddr; nil without
	tls      *tls.Config
	ca       []byte
	table    *table
	http1    *http.Server
	handover *handover

	script   atomic.Pointer[script]
	targets  *targets
	callers  *targets // of the endpoints that take no push
	counters counters
	memory   memory
	audience audience
	log      *requestLog
	peers    peers
	running  sync.WaitGroup

	maxStreams atomic.Uint32
}

// New makes a server that does not listen yet. faults are what the kind has found
// wrong with its own options.
func New(k Kind, o Options, faults ...error) (*Server, error) {
	o = o.withDefaults()
	if err := o.validate(faults); err != nil {
		return nil, fmt.Errorf("start the fake %s: %w", k.Title, err)
	}
	s := &Server{kind: k, server: "pushworker-fake" + k.Name, options: o, table: newTable(&k), targets: newTargets(), callers: newTargets()}
	s.maxStreams.Store(o.MaxStreams)
	s.counters.answers = make([]atomic.Int64, len(s.table.rows))
	s.memory.slots = make([]slot, o.Keep)
	s.log = newLog(o, k.Public, &s.counters.missed)
	if err := s.SetScript(o.Script); err != nil {
		return nil, fmt.Errorf("start the fake %s: %w", k.Title, err)
	}
	return s, nil
}

// Listen listens and serves until [Server.Close].
func (s *Server) Listen() error {
	if err := s.listen(); err != nil {
		return fmt.Errorf("start the fake %s: %w", s.kind.Title, err)
	}
	return nil
}

func (s *Server) listen() error {
	var err error
	if s.tls, s.ca, err = tlsConfig("pushworker fake"+s.kind.Name, s.options); err != nil {
		return err
	}
	s.listener, err = net.Listen("tcp", s.options.Addr) //nolint:noctx // listening does not block
	if err != nil {
		return fmt.Errorf("listen: %w; choose a free address", err)
	}
	if s.options.TLSAddr != "" {
		if s.second, err = net.Listen("tcp", s.options.TLSAddr); err != nil { //nolint:noctx // as above
			return errors.Join(fmt.Errorf("listen: %w; choose a free address", err), s.listener.Close())
		}
	}
	if s.tls != nil && s.kind.OnlyHTTP2 {
		s.tls.NextProtos = []string{"h2"}
	}
	s.handover = newHandover(s.listener.Addr())
	s.http1 = s.newHTTP1()
	s.running.Go(func() { _ = s.http1.Serve(s.handover) })
	s.running.Go(func() { s.acceptLoop(s.listener, s.secure()) })
	if s.second != nil {
		s.running.Go(func() { s.acceptLoop(s.second, s.tls) })
	}
	return nil
}

// URL is the server's address as clients write it, without a path.
func (s *Server) URL() string {
	scheme := "http://"
	if s.options.TLS {
		scheme = "https://"
	}
	return scheme + hostOf(s.listener)
}

// TLSURL is URL for the second address.
func (s *Server) TLSURL() string { return "https://" + hostOf(s.second) }

func hostOf(l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// CAPEM is the certificate, in PEM, that clients have to trust; nil without TLS.
func (s *Server) CAPEM() []byte { return s.ca }

// Stats returns the counters.
func (s *Server) Stats() Stats { return s.counters.snapshot(s.table) }

// Count says what happened to a target.
func (s *Server) Count(target string) TargetCount { return s.targets.count(target) }

// Counts says it of all there have been.
func (s *Server) Counts() map[string]TargetCount { return s.targets.counts() }

// SetScript checks a script and, if it is in order, follows it from now on; its
// clock and its counts begin anew.
func (s *Server) SetScript(source Script) error {
	compiled, err := compile(source, s.table, time.Now())
	if err != nil {
		return err
	}
	s.script.Store(compiled)
	return nil
}

// Reset forgets everything but the options, the script (which begins anew), the
// credentials, and connections and requests in work.
func (s *Server) Reset() {
	s.counters.reset()
	s.targets.reset()
	s.callers.reset()
	s.memory.reset()
	if s.kind.Reset != nil {
		s.kind.Reset()
	}
	_ = s.SetScript(s.script.Load().source) // it was in order
}

// Close ends every connection and waits until nothing runs any more.
func (s *Server) Close() error {
	err := errors.Join(s.listener.Close(), s.http1.Close())
	if s.second != nil {
		err = errors.Join(err, s.second.Close())
	}
	s.peers.closeAll()
	s.running.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the fake %s: %w", s.kind.Title, err)
	}
	return nil
}
