package e2e_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

// shortGrace is the grace of these workers, stopLimit what the stop of one takes at most;
// every single wait for a broker was 5 s, and a stop has several.
const (
	shortGrace = "PUSHWORKER_SHUTDOWN_GRACE=1s"
	stopLimit  = 10 * time.Second
	// unconfirmed is what a worker says whose broker does not confirm acks.
	unconfirmed = "it may not have the acks of 2 receipts"
)

// TestStopWithoutABroker: a worker that waits for its broker and is told to stop ends
// with 0, soon: it holds nothing.
func TestStopWithoutABroker(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T) (addr string){
		"never there":                      func(t *testing.T) string { t.Helper(); return address.For(t) },
		"listener that swallows all bytes": swallower,
		"JetStream that does not answer":   leaderless,
	}
	for name, broker := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			soon(t, func() time.Duration {
				w := startWorker(t, t.TempDir(), "PUSHWORKER_NATS_URL=nats://"+broker(t), shortGrace)
				await(t, patience, "the worker waits", func() bool {
					code, _, _ := command(t, []string{"PUSHWORKER_ADMIN_ADDR=" + w.admin}, "healthcheck")
					return code == 0
				})
				began := time.Now()
				w.terminate()
				if code := w.exit(); code != 0 {
					t.Errorf("ended with %d, want 0:\n%s", code, w.log())
				}
				return time.Since(began)
			})
		})
	}
}

// soon has stop stop a worker, and return how long that took, until it takes less than stopLimit. A
// worker that waits for something takes longer each time; one that a busy machine holds up does not.
func soon(t *testing.T, stop func() time.Duration) {
	t.Helper()
	var took time.Duration
	for range 4 {
		if took = stop(); took < stopLimit {
			t.Logf("stopped in %v", took)
			return
		}
	}
	t.Errorf("each stop takes %v or so, want less than %v", took, stopLimit)
}

// swallower accepts connections and only reads.
func swallower(t *testing.T) (addr string) {
	t.Helper()
	return listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// leaderless answers as a broker does, but no question to JetStream.
func leaderless(t *testing.T) (addr string) {
	t.Helper()
	return listen(t, func(c net.Conn) {
		_, _ = c.Write([]byte(`INFO {"server_id":"mute","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,"jetstream":true}` + "\r\n"))
		buffer := make([]byte, 4096)
		for {
			n, err := c.Read(buffer)
			if err != nil {
				return
			}
			if strings.Contains(string(buffer[:n]), "PING\r\n") {
				_, _ = c.Write([]byte("PONG\r\n"))
			}
		}
	})
}

// listen serves connections until the test ends.
func listen(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, l) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close() //nolint:errcheck // the other side may be gone
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// TestStopWhenTheBrokerGoes: a worker whose broker has gone, or takes bytes and answers
// nothing, ends soon: with 0 if it holds nothing, else with the code for work handed back.
func TestStopWhenTheBrokerGoes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		swallow, hangs, finishes bool
		code                     int
	}{
		"killed while idle":                    {},
		"swallows while idle":                  {swallow: true},
		"killed while a handler hangs":         {hangs: true, code: 75},
		"swallows while a handler hangs":       {swallow: true, hangs: true, code: 75},
		"killed, and then the handler goes on": {hangs: true, finishes: true, code: 75},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			soon(t, func() time.Duration {
				dir, addr := t.TempDir(), address.For(t)
				b := startBroker(t, dir, addr)
				var swallows atomic.Bool
				proxy := brokertest.NewProxy(t, "nats://"+addr, func(p []byte) []byte {
					if swallows.Load() {
						return nil
					}
					return p
				})
				reader, writer, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { closed(t, reader) })
				grace := shortGrace
				if test.finishes {
					grace = "PUSHWORKER_SHUTDOWN_GRACE=1m"
				}
				w := startWorkerTo(t, dir, writer, "PUSHWORKER_NATS_URL="+proxy.URL(), grace)
				closed(t, writer)
				w.ready(patience)
				if test.hangs {
					hang(t, dir, []string{"PUSHWORKER_NATS_URL=nats://" + addr})
				}
				if test.swallow {
					swallows.Store(true)
				} else {
					b.Kill()
				}
				began := time.Now()
				w.terminate()
				if test.finishes {
					await(t, patience, "the lane stops pulling", func() bool {
						_, _, errs := command(t, []string{"PUSHWORKER_ADMIN_ADDR=" + w.admin}, "healthcheck", "--ready")
						return strings.Contains(errs, "not pulling")
					})
					go func() { _, _ = io.Copy(io.Discard, reader) }()
				}
				if code := w.exit(); code != test.code || test.hangs && !strings.Contains(w.log(), unconfirmed) {
					t.Errorf("ended with %d, want %d:\n%s", code, test.code, w.log())
				}
				return time.Since(began)
			})
		})
	}
}

// hang publishes two receipts that a handler whose output nobody reads cannot print, and
// waits until it has them.
func hang(t *testing.T, dir string, env []string) {
	t.Helper()
	big := `{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","content":"` + strings.Repeat("x", 200_000) + `"}}`
	file := filepath.Join(dir, "big.json")
	if err := os.WriteFile(file, []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command(t, env, "publish", file, file); code != 0 {
		t.Fatalf("publish ended with %d: %s", code, errs)
	}
	await(t, patience, "the handler hangs", func() bool {
		_, out, _ := command(t, env, "status", "-o", "json")
		return strings.Contains(out, `"in_flight":2`)
	})
}
