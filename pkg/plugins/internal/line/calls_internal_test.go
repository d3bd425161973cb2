package line

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// stuck is a connection whose writes wait, once it is held, until it is closed.
type stuck struct {
	net.Conn
	held, closed chan struct{}
	close        func()
}

func (s *stuck) Write(b []byte) (int, error) {
	select {
	case <-s.held:
		<-s.closed
	default:
	}
	return s.Conn.Write(b)
}

func (s *stuck) Close() error {
	s.close()
	return s.Conn.Close()
}

// TestNoConnectionIsLeft: a request that was given up just now, and whose connection net/http
// therefore takes for one in use, does not keep it open when the wire is closed.
func TestNoConnectionIsLeft(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	peer := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	peer.Config.Protocols = new(http.Protocols)
	peer.Config.Protocols.SetUnencryptedHTTP2(true)
	peer.Start()
	defer peer.Close()
	base, err := url.Parse(peer.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := &stuck{held: make(chan struct{}), closed: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	w := NewWireBy(t.Context(), New(standard), base, true, func(ctx context.Context, network, addr string) (net.Conn, error) {
		s.Conn, err = new(net.Dialer).DialContext(ctx, network, addr)
		return s, err
	})
	ctx, giveUp := context.WithCancel(t.Context())
	answered := make(chan Answer, 1)
	w.Send(ctx, head, letter{func(x Exchange) (Answer, bool) { return Answer{Fate: Again, Err: x.Err}, true }}, func(a Answer) { answered <- a })
	<-asked
	close(s.held) // so that the stream cannot be reset
	giveUp()
	<-answered
	w.Close()
	select {
	case <-s.closed:
	default:
		t.Error("the connection is open after the wire was closed")
		s.close()
	}
}

// TestNothingIsMadeAfterwards: what is dialled when all was hung up is closed at once.
func TestNothingIsMadeAfterwards(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	var m Meter
	m.HangUp()
	if _, err := m.Dial(t.Context(), "tcp", server.Listener.Addr().String()); !errors.Is(err, net.ErrClosed) || m.Connections() != 0 {
		t.Errorf("Dial = %v, and %d connections are open; want none", err, m.Connections())
	}
}
