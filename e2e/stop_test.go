package e2e_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestOneProcessPerStore: the second process on a data directory is refused, and
// told who holds it.
func TestOneProcessPerStore(t *testing.T) {
	t.Parallel()
	w, _, env := embeddedWorker(t)
	env = append(env, "PUSHWORKER_EMBEDDED_ADDR="+freeAddr(t), "PUSHWORKER_ADMIN_ADDR="+freeAddr(t))
	code, _, errs := command(t, env, "run")
	if holder := strconv.Itoa(w.cmd.Process.Pid); code != 73 || !strings.Contains(errs, holder) {
		t.Errorf("ended with %d, want 73 and the holder's pid %s:\n%s", code, holder, errs)
	}
}

// TestTakenPort: a port that is taken is a clear error, at once.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	_, addr, _ := embeddedWorker(t)
	code, _, errs := command(t, []string{
		"PUSHWORKER_EMBEDDED_ADDR=" + addr, "PUSHWORKER_ADMIN_ADDR=" + freeAddr(t),
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
	w, _, _ := embeddedWorker(t)
	began := time.Now()
	w.signal(syscall.SIGTERM)
	if code := w.exit(10 * time.Second); code != 0 {
		t.Errorf("ended with %d:\n%s", code, w.stderr)
	}
	t.Logf("stopped in %v", time.Since(began))
}

// TestQueueDeletedUnderneath: the worker ends with an error that says what is gone.
func TestQueueDeletedUnderneath(t *testing.T) {
	t.Parallel()
	w, addr, _ := embeddedWorker(t)
	nc, err := nats.Connect("nats://" + addr)
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
	if code := w.exit(30 * time.Second); code != 1 || !strings.Contains(w.stderr.String(), "stdout") {
		t.Errorf("ended with %d, want 1 and the durable's name:\n%s", code, w.stderr)
	}
}
