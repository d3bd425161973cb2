package fakefcm

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

// A Server is a running fake. Its methods may be called from any goroutine.
type Server struct {
	options  Options
	listener net.Listener
	tls      *tls.Config
	ca       []byte
	schema   *field
	table    *table
	http1    *http.Server
	handover *handover

	script   atomic.Pointer[script]
	bearers  bearers
	keys     keyring
	targets  *targets
	callers  *targets // of the token endpoint, by account
	projects projects
	topics   topics
	counters counters
	memory   memory
	audience audience
	log      *requestLog
	peers    peers
	ids      atomic.Uint64
	running  sync.WaitGroup
}

// Start listens and serves until [Server.Close].
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("start the fake FCM: %w", err)
	}
	s := &Server{options: o, schema: newSchema(), table: newTable(), targets: newTargets(), callers: newTargets()}
	s.counters.answers = make([]atomic.Int64, len(s.table.rows))
	s.memory.slots = make([]slot, o.Keep)
	s.log = newLog(o.Log, o.Reveal, &s.counters.missed)
	s.projects.reset()
	s.topics.reset()
	s.keys.add(o.TokenKeys...)
	s.bearers.any = o.AnyBearer
	for _, token := range o.Bearers {
		s.bearers.issued.Store(token, grant{scoped: true})
	}
	if err := s.SetScript(o.Script); err != nil {
		return nil, fmt.Errorf("start the fake FCM: %w", err)
	}
	if err := s.listen(); err != nil {
		return nil, fmt.Errorf("start the fake FCM: %w", err)
	}
	return s, nil
}

func (s *Server) listen() error {
	var err error
	if s.tls, s.ca, err = tlsConfig(s.options); err != nil {
		return err
	}
	s.listener, err = net.Listen("tcp", s.options.Addr) //nolint:noctx // listening does not block
	if err != nil {
		return fmt.Errorf("listen: %w; choose a free address", err)
	}
	s.handover = newHandover(s.listener.Addr())
	s.http1 = s.newHTTP1()
	s.running.Go(func() { _ = s.http1.Serve(s.handover) })
	s.running.Go(s.acceptLoop)
	return nil
}

// URL is the server's address as clients write it, without a path: FCM's
// endpoint is URL()/v1.
func (s *Server) URL() string {
	scheme := "http://"
	if s.tls != nil {
		scheme = "https://"
	}
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, port)
}

// CAPEM is the certificate, in PEM, that clients have to trust; nil without TLS.
func (s *Server) CAPEM() []byte { return s.ca }

// Stats returns the counters.
func (s *Server) Stats() Stats { return s.counters.snapshot(s.table) }

// Count says what happened to a token, a topic (/topics/NAME) or a condition.
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
	s.projects.reset()
	s.topics.reset()
	s.memory.reset()
	_ = s.SetScript(s.script.Load().source) // it was in order
}

// Revoke makes every access token that was issued invalid.
func (s *Server) Revoke() { s.bearers.revoke() }

// Close ends every connection and waits until nothing runs any more.
func (s *Server) Close() error {
	err := errors.Join(s.listener.Close(), s.http1.Close())
	s.peers.closeAll()
	s.running.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the fake FCM: %w", err)
	}
	return nil
}
