package line

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// proxy accepts one connection and does with it what a proxy's CONNECT does, by way of
// answer.
func proxy(t *testing.T, answer func(req *http.Request, c net.Conn)) (at *url.URL) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			answer(req, c)
		}
	}()
	return &url.URL{Scheme: "http", Host: l.Addr().String(), User: url.UserPassword("me", "secret")}
}

// TestTunnel: what a proxy makes is a connection to the peer; it is shown who asks.
func TestTunnel(t *testing.T) {
	t.Parallel()
	dialer := (&Meter{}).Dial
	at := proxy(t, func(req *http.Request, c net.Conn) {
		user, password, _ := (&http.Request{Header: http.Header{"Authorization": req.Header["Proxy-Authorization"]}}).BasicAuth()
		if req.Method != http.MethodConnect || req.RequestURI != "apple.example:443" || user != "me" || password != "secret" {
			t.Errorf("the proxy is asked %s %s as %s", req.Method, req.RequestURI, user)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		_, _ = io.Copy(c, c)
	})
	dial, ok := tunnel(at, dialer)
	if !ok {
		t.Fatal("an HTTP proxy is refused")
	}
	c, err := dial(t.Context(), "tcp", "apple.example:443")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	got := make([]byte, 5)
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, ok := tunnel(&url.URL{Scheme: "socks5", Host: "x"}, dialer); ok {
		t.Error("a SOCKS proxy is taken for an HTTP proxy")
	}
}

// TestTunnelRefused: a proxy that refuses, says too much or nothing at all makes no
// connection, and the error says so.
func TestTunnelRefused(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		"HTTP/1.1 407 Who\r\n\r\n":       "407",
		"HTTP/1.1 200 OK\r\n\r\nwelcome": "before it is asked",
		"nonsense\r\n\r\n":               "proxy",
		"":                               "deadline",
	} {
		at := proxy(t, func(_ *http.Request, c net.Conn) {
			_, _ = io.WriteString(c, says)
			_, _ = io.Copy(io.Discard, c)
		})
		dial, _ := tunnel(at, (&Meter{}).Dial)
		limit := time.Minute
		if says == "" {
			limit = 100 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		c, err := dial(ctx, "tcp", "apple.example:443")
		cancel()
		if err == nil {
			_ = c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", says, err, want)
		}
	}
}

// TestWay: a proxy of the environment leads to net/http, and with Tunnel only one that is
// no HTTP proxy.
func TestWay(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "apple.example"}
	for _, c := range []struct {
		proxy          string
		tunnel, direct bool
	}{
		{"", false, true},
		{"http://proxy.example:3128", false, false},
		{"http://proxy.example:3128", true, true},
		{"https://proxy.example", true, true},
		{"socks5://proxy.example", true, false},
	} {
		t.Setenv("HTTPS_PROXY", c.proxy)
		if dial, direct := (Wiring{Tunnel: c.tunnel}).way(base, (&Meter{}).Dial); direct != c.direct || direct && dial == nil {
			t.Errorf("proxy %q, tunnel %t: direct %t", c.proxy, c.tunnel, direct)
		}
	}
}
