package link_test

import (
	"bufio"
	"net"
	"testing"
	"time"

	"github.com/pushworker/pushworker/chaos/link"
)

// TestProxy: what is sent during a cut arrives after it, and not before, in the
// direction that was cut and in no other.
func TestProxy(t *testing.T) {
	t.Parallel()
	broker, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Proxies().Link(t.Context(), []string{broker.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Brokers()[0])
	if err != nil {
		t.Fatal(err)
	}
	far, err := broker.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		cut  link.Direction
		open bool // the way to the worker is
	}{{link.ToBroker, true}, {link.Both, false}} {
		say(t, near, "before")
		hear(t, far, "before")
		if err := l.Cut(t.Context(), tt.cut); err != nil {
			t.Fatal(err)
		}
		say(t, near, "during")
		silent(t, far)
		say(t, far, "back")
		if tt.open {
			hear(t, near, "back")
		} else {
			silent(t, near)
		}
		if err := l.Heal(t.Context()); err != nil {
			t.Fatal(err)
		}
		hear(t, far, "during")
		if !tt.open {
			hear(t, near, "back")
		}
	}
	l.Close()
	if err := far.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives its link")
	}
}

// patience bounds each wait; nothing but a failure takes so long.
const patience = time.Minute

func say(t *testing.T, c net.Conn, line string) {
	t.Helper()
	if _, err := c.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, c net.Conn, want string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if got, err := bufio.NewReader(c).ReadString('\n'); got != want+"\n" {
		t.Fatalf("heard %q, %v; want %q", got, err, want)
	}
}

func silent(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatalf("%d bytes came through the cut", n)
	}
}
