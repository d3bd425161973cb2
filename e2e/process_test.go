package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
)

// freeAddr is a loopback address that was free a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, l)
	return l.Addr().String()
}

// closed closes what a test has opened.
func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// process is one process under test. Its stdout is a file, which survives it.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    string // path of its stdout
	stderr *lockedBuffer
	exited chan struct{}
	admin  string
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startWorker runs `pushworker run` with the environment env.
func startWorker(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	out, err := os.CreateTemp(dir, "stdout-*")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, out)
	return startWorkerTo(t, dir, out, env...)
}

// startWorkerTo is startWorker with another stdout.
func startWorkerTo(t *testing.T, dir string, out *os.File, env ...string) *process {
	t.Helper()
	p := &process{t: t, out: out.Name(), admin: freeAddr(t)}
	p.cmd = exec.Command(binary, "run")
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PUSHWORKER_ADMIN_ADDR=" + p.admin}, env...)
	p.cmd.Dir = dir
	p.cmd.Stdout = out
	p.start()
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.stderr = &lockedBuffer{}
	p.cmd.Stderr = p.stderr
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	p.t.Cleanup(p.kill)
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// terminate tells the process to stop.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("terminate: %v\n%s", err, p.stderr)
	}
}

// exit waits for the process to end by itself and returns its exit code.
func (p *process) exit(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("still running after %v:\n%s", limit, p.stderr)
		return 0
	}
}

// ready waits until the worker says that it is ready.
func (p *process) ready(limit time.Duration) {
	p.t.Helper()
	await(p.t, limit, "the worker is ready", func() bool {
		select {
		case <-p.exited:
			p.t.Fatalf("the worker ended with %d:\n%s", p.cmd.ProcessState.ExitCode(), p.stderr)
		default:
		}
		resp, err := http.Get("http://" + p.admin + "/readyz")
		if err != nil {
			return false
		}
		defer closed(p.t, resp.Body)
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode == http.StatusOK
	})
}

// lines returns what the process has printed so far.
func (p *process) lines() []string {
	p.t.Helper()
	text, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// startBroker runs a broker process on addr with its store in dir.
func startBroker(t *testing.T, dir, addr string) *process {
	t.Helper()
	p := &process{t: t}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), brokerDir+"="+filepath.Join(dir, "broker"), brokerAddr+"="+addr)
	if _, err := p.cmd.StdinPipe(); err != nil { // closes with the test, at the latest
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("broker did not start: %v\n%s", err, p.stderr)
	}
	return p
}

// command runs the binary to its end.
func command(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatal(err)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// await polls ok for at most limit.
func await(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// connect connects the test itself to the broker at addr.
func connect(t *testing.T, addr string) *broker.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := broker.Connect(ctx, broker.Options{URL: "nats://" + addr, Name: "e2e", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// drained waits until the lane has nothing left to do.
func drained(t *testing.T, conn *broker.Conn, limit time.Duration) {
	t.Helper()
	last := ""
	await(t, limit, "the lane is drained", func() bool {
		stats, err := conn.Stats(t.Context(), broker.Topology{Stream: "PUSH", Subject: "push.receipts", Handlers: []string{"stdout"}})
		if err != nil || len(stats.Lanes) != 1 {
			last = fmt.Sprint(err)
			return false
		}
		l := stats.Lanes[0]
		last = fmt.Sprintf("%+v", l)
		return l.Pending == 0 && l.InFlight == 0 && l.RetriesWaiting == 0
	})
	_ = last
}
