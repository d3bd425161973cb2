package link

import (
	"context"
	"fmt"
	"net"
	"sync"
)

const loopback = "127.0.0.1"

// proxies has a TCP proxy for each worker and broker.
type proxies struct{}

// Proxies returns links that are proxies on the loopback interface.
func Proxies() Net { return proxies{} }

func (proxies) Broker() string   { return loopback }
func (proxies) Provider() string { return loopback }
func (proxies) How() string      { return "a TCP proxy that stops passing bytes on" }
func (proxies) Close()           {}

// Link implements [Net].
func (proxies) Link(_ context.Context, brokers []string) (Link, error) {
	l := &proxy{}
	for _, broker := range brokers {
		listener, err := net.Listen("tcp", loopback+":0") //nolint:noctx // listening does not block
		if err != nil {
			l.Close() //nolint:contextcheck // it waits for nothing
			return nil, fmt.Errorf("make a proxy: %w", err)
		}
		l.listeners = append(l.listeners, listener)
		l.running.Go(func() { l.accept(listener, broker) })
	}
	return l, nil
}

// proxy passes bytes on through two gates.
type proxy struct {
	listeners []net.Listener
	gates     [2]gate // to the broker, to the worker
	running   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	done  bool
}

func (l *proxy) Wrap(args []string) []string { return args }
func (l *proxy) Admin() string               { return "" }

func (l *proxy) Brokers() []string {
	var all []string
	for _, listener := range l.listeners {
		all = append(all, listener.Addr().String())
	}
	return all
}

// Cut implements [Link].
func (l *proxy) Cut(_ context.Context, d Direction) error {
	if d != ToWorker {
		l.gates[0].shut()
	}
	if d != ToBroker {
		l.gates[1].shut()
	}
	return nil
}

func (l *proxy) Heal(context.Context) error {
	for d := range l.gates {
		l.gates[d].open()
	}
	return nil
}

func (l *proxy) Close() {
	for _, listener := range l.listeners {
		_ = listener.Close()
	}
	_ = l.Heal(context.Background())
	l.mu.Lock()
	l.done = true
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

func (l *proxy) accept(listener net.Listener, broker string) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", broker) //nolint:noctx // on the loopback interface it succeeds or fails at once
		if err != nil {
			_ = near.Close()
			continue
		}
		if !l.keep(near, far) {
			return
		}
		l.running.Go(func() { l.pass(far, near, &l.gates[0]) })
		l.running.Go(func() { l.pass(near, far, &l.gates[1]) })
	}
}

// keep notes connections for Close; it reports false after that.
func (l *proxy) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		for _, c := range conns {
			_ = c.Close()
		}
		return false
	}
	l.conns = append(l.conns, conns...)
	return true
}

// pass copies until either end is gone.
func (l *proxy) pass(to, from net.Conn, g *gate) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		g.wait()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// gate is open or shut.
type gate struct {
	mu     sync.Mutex
	opened chan struct{}
}

func (g *gate) wait() {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	if opened != nil {
		<-opened
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}
