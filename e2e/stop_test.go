package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/blackbox/address"
)

// TestOneProcessPerStore: the second process on a data directory is refused, and
// told who holds it.
func TestOneProcessPerStore(t *testing.T) {
	t.Parallel()
	w, _, env := embeddedWorker(t)
	env = append(env, "PUSHWORKER_EMBEDDED_ADDR="+address.For(t), "PUSHWORKER_ADMIN_ADDR="+address.For(t))
	code, _, errs := command(t, env, "run")
	if holder := strconv.Itoa(w.PID()); code != 73 || !strings.Contains(errs, holder) {
		t.Errorf("ended with %d, want 73 and the holder's pid %s:\n%s", code, holder, errs)
	}
}

// TestTakenPort: a port that is taken is a clear error, at once.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	_, addr, _ := embeddedWorker(t)
	code, _, errs := command(t, []string{
		"PUSHWORKER_EMBEDDED_ADDR=" + addr, "PUSHWORKER_ADMIN_ADDR=" + address.For(t),
		"PUSHWORKER_DATA_DIR=" + filepath.Join(t.TempDir(), "data"),
	}, "run")
	if code != 1 || !strings.Contains(errs, "PUSHWORKER_EMBEDDED_ADDR") || !strings.Contains(errs, addr) {
		t.Errorf("ended with %d:\n%s", code, errs)
	}
}

// TestBadConfiguration: all faults at once, before anything is opened.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	code, _, errs := command(t, []string{
		"PUSHWORKER_ACK_WAIT=soon", "PUSHWORKER_REPLICAS=7", `PUSHWORKER_HANDLERS=[{"name":"stdout","config":{"buffer":"x"}}]`,
	}, "run")
	for _, name := range []string{"PUSHWORKER_ACK_WAIT", "PUSHWORKER_REPLICAS", "PUSHWORKER_HANDLERS"} {
		if !strings.Contains(errs, name) {
			t.Errorf("%s is not reported:\n%s", name, errs)
		}
	}
	code2, _, errs2 := command(t, []string{`PUSHWORKER_HANDLERS=[{"name":"nosuch"}]`, "PUSHWORKER_DATA_DIR=" + t.TempDir()}, "run")
	if code != 78 || code2 != 78 || !strings.Contains(errs2, "nosuch") || !strings.Contains(errs2, "stdout") {
		t.Errorf("ended with %d and %d, want 78; the second said:\n%s", code, code2, errs2)
	}
}

// TestStopIsClean: an idle worker told to stop ends with 0, soon.
func TestStopIsClean(t *testing.T) {
	t.Parallel()
	soon(t, func() time.Duration {
		w, _, _ := embeddedWorker(t)
		began := time.Now()
		w.terminate()
		if code := w.exit(); code != 0 {
			t.Errorf("ended with %d:\n%s", code, w.log())
		}
		return time.Since(began)
	})
}

// TestQueueDeletedUnderneath: a worker that may not make its durable anew ends with an
// error that says what is gone.
func TestQueueDeletedUnderneath(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), address.For(t)
	startBroker(t, dir, addr)
	env := []string{"PUSHWORKER_NATS_URL=nats://" + addr}
	provisioner := startWorker(t, dir, env...)
	provisioner.ready(patience)
	provisioner.terminate()
	if code := provisioner.exit(); code != 0 {
		t.Fatalf("the provisioner ended with %d:\n%s", code, provisioner.log())
	}
	w := startWorker(t, dir, append(env, "PUSHWORKER_PROVISION=false")...)
	w.ready(patience)
	nc, err := nats.Connect("nats://"+addr, nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(t.Context(), "PUSH", "stdout"); err != nil {
		t.Fatal(err)
	}
	if code := w.exit(); code != 1 || !strings.Contains(w.log(), "stdout") {
		t.Errorf("ended with %d, want 1 and the durable's name:\n%s", code, w.log())
	}
}

// hung starts a worker whose stdout nobody reads, and publishes until its handler
// hangs in a write.
func hung(t *testing.T, grace string) (w *program, env []string) {
	t.Helper()
	dir := t.TempDir()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, reader) })
	env = []string{
		"PUSHWORKER_EMBEDDED_ADDR=" + address.For(t), "PUSHWORKER_DATA_DIR=" + filepath.Join(dir, "data"),
		"PUSHWORKER_SHUTDOWN_GRACE=" + grace,
	}
	w = startWorkerTo(t, dir, writer, env...)
	closed(t, writer)
	w.ready(patience)
	hang(t, dir, env)
	return w, env
}

// TestHungHandler: when the grace is over, the worker ends with the code for work
// handed back, and the next worker delivers it.
func TestHungHandler(t *testing.T) {
	t.Parallel()
	var env []string
	soon(t, func() time.Duration {
		w, with := hung(t, "1s")
		began := time.Now()
		w.terminate()
		if code := w.exit(); code != 75 {
			t.Errorf("ended with %d, want 75:\n%s", code, w.log())
		}
		env = with
		return time.Since(began)
	})
	next := startWorker(t, t.TempDir(), env...)
	await(t, patience, "both receipts arrive", func() bool { return strings.Count(strings.Join(next.lines(), "\n"), "xxx\"") == 2 })
}

// TestSecondSignal ends the process at once, whatever hangs.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	w, _ := hung(t, "1h")
	w.terminate()
	await(t, patience, "the worker says that it drains", func() bool {
		code, _, _ := command(t, []string{"PUSHWORKER_ADMIN_ADDR=" + w.admin}, "healthcheck", "--ready")
		return code != 0
	})
	w.terminate()
	if code := w.exit(); code != -1 { // the grace is an hour
		t.Errorf("ended with %d, want the signal's own end", code)
	}
}
