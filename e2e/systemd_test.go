package e2e_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
)

// The worker speaks with systemd over a real socket: it is up before there is a broker, gives
// signs of life, and says that it stops.
func TestSystemd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, socket)
	said := func() string {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1024)
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatalf("the worker is silent: %v", err)
		}
		return string(buffer[:n])
	}
	p := startWorker(t, dir, "PUSHWORKER_NATS_URL=nats://"+address.For(t),
		"NOTIFY_SOCKET="+filepath.Join(dir, "notify"), "WATCHDOG_USEC=1000000")
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := said(); got != want {
			t.Fatalf("the worker says %q, want %q:\n%s", got, want, p.log())
		}
	}
	p.terminate()
	for got := said(); got != "STOPPING=1"; got = said() {
		if got != "WATCHDOG=1" {
			t.Fatalf("the worker says %q before it stops", got)
		}
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.log())
	}
}

// A variable that is wrong is a fault, and not silence that systemd takes for death.
func TestSystemdWithoutSense(t *testing.T) {
	t.Parallel()
	p := startWorker(t, t.TempDir(), "PUSHWORKER_NATS_URL=nats://"+address.For(t), "WATCHDOG_USEC=soon")
	if code := p.exit(); code != 1 || !strings.Contains(p.log(), "WATCHDOG_USEC") {
		t.Errorf("exit code %d:\n%s", code, p.log())
	}
}
