package brokertest

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// Proxy is a wire to a broker that can be cut.
type Proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup
	mangle   func([]byte) []byte // what the client sends

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
}

// NewProxy starts a proxy that ends with the test.
func NewProxy(tb testing.TB, url string, mangle ...func([]byte) []byte) *Proxy {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: l, target: strings.TrimPrefix(url, "nats://"), mangle: func(b []byte) []byte { return b }}
	for _, f := range mangle {
		p.mangle = f
	}
	p.wg.Go(p.accept)
	tb.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// URL is where to connect.
func (p *Proxy) URL() string { return "nats://" + p.listener.Addr().String() }

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.DialTimeout("tcp", p.target, Deadline) //nolint:noctx // the listener ends it
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		if p.closed {
			_ = in.Close()
			_ = out.Close()
		}
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.wg.Go(func() { pump(in, out, func(b []byte) []byte { return b }) })
		p.wg.Go(func() { pump(out, in, p.mangle) })
	}
}

// pump copies until either end closes.
func pump(to, from net.Conn, mangle func([]byte) []byte) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err == nil {
			_, err = to.Write(mangle(buf[:n]))
		}
		if err != nil {
			_ = to.Close()
			_ = from.Close()
			return
		}
	}
}

// Shut cuts and keeps the wire cut until it is called with false.
func (p *Proxy) Shut(closed bool) {
	p.mu.Lock()
	p.closed = closed
	p.mu.Unlock()
	p.Cut()
}

// Cut breaks every connection; new ones are taken.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}
