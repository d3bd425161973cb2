package fake

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

const helloTimeout = 10 * time.Second // for a client to say what it speaks

// acceptLoop takes connections until the listener is closed.
func (s *Server) acceptLoop(l net.Listener, secure *tls.Config) {
	for {
		nc, err := l.Accept()
		if err != nil {
			s.handover.stop()
			return
		}
		s.counters.connections.Add(1)
		s.running.Go(func() { s.serve(nc, secure) })
	}
}

// Serve serves one connection until it ends, without a listener.
func (s *Server) Serve(nc net.Conn) {
	s.counters.connections.Add(1)
	s.serve(nc, s.secure())
}

// secure is the TLS of the first address; nil without.
func (s *Server) secure() *tls.Config {
	if s.options.TLS {
		return s.tls
	}
	return nil
}

// serve finds out which protocol the client speaks, by ALPN or by the first
// bytes, and serves it until the connection ends.
func (s *Server) serve(nc net.Conn, secure *tls.Config) {
	defer func() { _ = nc.Close() }()
	if secure != nil {
		nc = tls.Server(nc, secure)
	}
	one := s.peers.add(nc)
	if one == nil {
		return
	}
	defer s.peers.remove(one)
	s.counters.open.Add(1)
	defer s.counters.open.Add(-1)
	_ = nc.SetDeadline(time.Now().Add(helloTimeout))
	buffer := bufio.NewReaderSize(nc, 32<<10)
	first, err := buffer.Peek(4) // no method of HTTP/1.1 begins like the preface of HTTP/2
	if err != nil {
		return
	}
	_ = nc.SetDeadline(time.Time{})
	if string(first) == "PRI " {
		s.serveH2(one, buffer)
		return
	}
	if s.kind.OnlyHTTP2 {
		return
	}
	s.handover.pass(&bufferedConn{Conn: nc, buffer: buffer, peer: one, done: make(chan struct{})})
}

// bufferedConn is a connection of which some bytes have been read already.
type bufferedConn struct {
	net.Conn

	buffer *bufio.Reader
	peer   *peer
	once   sync.Once
	done   chan struct{}
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.buffer.Read(p) }

func (c *bufferedConn) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Conn.Close()
}

// handover is the listener of the HTTP/1.1 server: it gets the connections that
// don't speak HTTP/2.
type handover struct {
	addr  net.Addr
	conns chan *bufferedConn
	ended chan struct{}
	once  sync.Once
}

func newHandover(addr net.Addr) *handover {
	return &handover{addr: addr, conns: make(chan *bufferedConn), ended: make(chan struct{})}
}

// pass hands a connection on and waits until it is closed.
func (h *handover) pass(c *bufferedConn) {
	select {
	case h.conns <- c:
		<-c.done
	case <-h.ended:
	}
}

func (h *handover) stop() { h.once.Do(func() { close(h.ended) }) }

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ended:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.stop()
	return nil
}

func (h *handover) Addr() net.Addr { return h.addr }
