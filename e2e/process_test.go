package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// closed closes what a test has opened.
func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// program is a process under test, for a test.
type program struct {
	*process.Process
	t     *testing.T
	admin string // of a worker
}

// started counts processes, so that the files of what they print have names of
// their own.
var started atomic.Int64

// start starts s. What the process prints and says is kept in s.Dir.
func start(t *testing.T, s process.Spec) *program {
	t.Helper()
	s.Name = fmt.Sprintf("%s-%d", s.Name, started.Add(1))
	p, err := process.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s said: %s", s.Name, p.Said())
		}
	})
	return &program{Process: p, t: t}
}

// startWorker runs `pushworker run` with the environment env.
func startWorker(t *testing.T, dir string, env ...string) *program {
	t.Helper()
	return startWorkerTo(t, dir, nil, env...)
}

// startWorkerTo is startWorker with another stdout.
func startWorkerTo(t *testing.T, dir string, out *os.File, env ...string) *program {
	t.Helper()
	admin := address.For(t)
	p := start(t, process.Spec{
		Name: "worker", Dir: dir, Args: []string{binary, "run"}, Stdout: out,
		Env: append([]string{"PATH=" + os.Getenv("PATH"), "PUSHWORKER_ADMIN_ADDR=" + admin}, env...),
	})
	p.admin = admin
	return p
}

// terminate tells the process to stop.
func (p *program) terminate() {
	p.t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the process to end by itself and returns its exit code.
func (p *program) exit() int {
	p.t.Helper()
	select {
	case <-p.Exited():
		return p.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("still running after %v:\n%s", patience, p.log())
		return 0
	}
}

// ready waits until the worker says that it is ready.
func (p *program) ready(limit time.Duration) {
	p.t.Helper()
	await(p.t, limit, "the worker is ready", func() bool {
		select {
		case <-p.Exited():
			p.t.Fatalf("the worker ended with %d:\n%s", p.ExitCode(), p.log())
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

// runs ends the test if the program has ended by itself.
func (p *program) runs() {
	p.t.Helper()
	select {
	case <-p.Exited():
		p.t.Fatalf("%s ended with %d:\n%s", filepath.Base(p.Out()), p.ExitCode(), p.log())
	default:
	}
}

// lines returns what the process has printed so far.
func (p *program) lines() []string {
	p.t.Helper()
	return strings.Split(strings.TrimSuffix(read(p.t, p.Out()), "\n"), "\n")
}

// log returns what the process has said so far.
func (p *program) log() string {
	p.t.Helper()
	return read(p.t, p.Err())
}

// startBroker runs a broker process on addr with its store in dir.
func startBroker(t *testing.T, dir, addr string) *program {
	t.Helper()
	p := start(t, process.Spec{
		Name: "broker", Dir: dir, Env: os.Environ(),
		Args: []string{embeddedBroker, filepath.Join(dir, "broker"), addr},
	})
	await(t, patience, "the broker is ready", func() bool {
		select {
		case <-p.Exited():
			t.Fatalf("the broker did not start:\n%s", p.log())
		default:
		}
		return p.lines()[0] == "ready"
	})
	return p
}

// command runs the binary to its end.
func command(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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

// patience is how long a test waits for what is no promise about time; nothing but a
// failure waits so long.
const patience = 3 * time.Minute

// await polls ok for at most limit. It takes a fifth of the time at most: some ok read all that
// a fake has logged.
func await(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	const often, pause = 20 * time.Millisecond, 4
	deadline := time.After(limit)
	for {
		began := time.Now()
		if ok() {
			return
		}
		select {
		case <-time.After(max(often, pause*time.Since(began))):
		case <-deadline:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// connect connects the test itself to the broker at addr.
func connect(t *testing.T, addr string) *broker.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := broker.Connect(ctx, broker.Options{URL: "nats://" + addr, Name: "e2e", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// drained waits until the lane has nothing left to do.
func drained(t *testing.T, conn *broker.Conn) {
	t.Helper()
	drainedStreams(t, conn, 1)
}

// drainedStreams is drained where the receipts are in so many streams.
func drainedStreams(t *testing.T, conn *broker.Conn, streams int) {
	t.Helper()
	of := topology.Topology{Stream: "PUSH", Subject: "push.receipts", Shards: streams, Handlers: []string{"stdout"}}
	await(t, patience, "the lane is drained", func() bool {
		stats, err := status.NewReader(conn).Stats(t.Context(), of)
		if err != nil || len(stats.Lanes) != 1 {
			return false
		}
		l := stats.Lanes[0]
		return l.Pending == 0 && l.InFlight == 0 && l.RetriesWaiting == 0
	})
}
