package fake

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/pushworker/pushworker/internal/fake/h2"
)

// A peer is one connection.
type peer struct {
	id       uint64
	nc       net.Conn
	requests atomic.Int64
	open     atomic.Int64 // requests in work, HTTP/1.1
	h2       atomic.Pointer[h2.Conn]
	farewell string
}

// peers are the open connections.
type peers struct {
	mu     sync.Mutex
	last   uint64
	closed bool
	m      map[*peer]struct{}
}

// add takes a connection in; nil after closeAll.
func (p *peers) add(nc net.Conn) *peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if p.m == nil {
		p.m = make(map[*peer]struct{})
	}
	p.last++
	one := &peer{id: p.last, nc: nc}
	p.m[one] = struct{}{}
	return one
}

func (p *peers) remove(one *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, one)
}

func (p *peers) all() []*peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*peer, 0, len(p.m))
	for one := range p.m {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *peer) int { return int(a.id) - int(b.id) }) //nolint:gosec // a count
	return all
}

func (p *peers) closeAll() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for _, one := range p.all() {
		one.close()
	}
}

// close ends the connection in order.
func (p *peer) close() {
	if c := p.h2.Load(); c != nil {
		c.Close()
		return
	}
	_ = p.nc.Close()
}

// cut ends it with a reset.
func (p *peer) cut() {
	if c := p.h2.Load(); c != nil {
		c.Abort()
		return
	}
	raw := p.nc
	if secured, ok := raw.(*tls.Conn); ok {
		raw = secured.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// SetStreams announces how many HTTP/2 streams may be open on one connection, by its
// number, from now on.
func (s *Server) SetStreams(conn uint64, n uint32) {
	for _, one := range s.peers.all() {
		if c := one.h2.Load(); c != nil && one.id == conn {
			c.SetStreams(n)
			c.Flush()
		}
	}
}

// MaxStreams is how many streams are announced when nothing else is.
func (s *Server) MaxStreams() uint32 { return s.maxStreams.Load() }

// streams announces another number on all connections, and on later ones.
func (s *Server) streams(text string) Verdict {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return say(http.StatusBadRequest, "n is a number of streams")
	}
	s.maxStreams.Store(uint32(n))
	for _, one := range s.peers.all() {
		s.SetStreams(one.id, uint32(n))
	}
	return say(http.StatusOK, text+" streams")
}

// Do is what can be done to connections from outside.
type Do string

// The things that can be done to connections.
const (
	DoGoAway Do = "goaway" // answer what is in work, take no more (HTTP/1.1: close)
	DoClose  Do = "close"  // close in order, answers are lost
	DoCut    Do = "cut"    // reset
	DoFreeze Do = "freeze" // leave half-open (HTTP/1.1: untouched)
)

// Connections does something to every open connection and returns how many there
// were; what it does not know it does not do.
func (s *Server) Connections(do Do) int { return s.treat(do, 0) }

func (s *Server) treat(do Do, except uint64) int {
	n := 0
	for _, one := range s.peers.all() {
		if one.id != except {
			one.do(do)
			n++
		}
	}
	return n
}

func (p *peer) do(do Do) {
	c := p.h2.Load()
	switch do {
	case DoGoAway:
		if c == nil {
			p.close()
			return
		}
		c.GoAway(p.farewell)
	case DoClose:
		p.close()
	case DoCut:
		p.cut()
	case DoFreeze:
		if c != nil {
			c.Freeze()
		}
	}
}
