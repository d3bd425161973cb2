package process_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/process"
)

func start(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Start(t.Context(), process.Spec{
		Name: "test", Args: []string{"/bin/sh", "-c", script}, Env: os.Environ(), Dir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	p := start(t, `trap 'echo bye >&2; exit 7' TERM; echo hello; echo ready >&2; while :; do read x <&- ; sleep 0.02; done`)
	await(t, func() bool { return strings.Contains(p.Said(), "ready") })
	code, err := p.Terminate(patience)
	if code != 7 || err != nil {
		t.Errorf("ended with %d, %v; want 7", code, err)
	}
	if out, err := os.ReadFile(p.Out()); string(out) != "hello\n" || err != nil {
		t.Errorf("printed %q, %v", out, err)
	}
	if err := p.Freeze(); err == nil {
		t.Error("a process that has ended can be frozen")
	}
}

func TestFrozen(t *testing.T) {
	t.Parallel()
	p := start(t, `trap '' TERM; echo ready >&2; while :; do sleep 0.02; done`)
	await(t, func() bool { return strings.Contains(p.Said(), "ready") })
	if err := p.Freeze(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Terminate(50 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "ready") {
		t.Errorf("a frozen process that ignores the signal: %v; want an error with what it said", err)
	}
	select {
	case <-p.Exited():
	default:
		t.Error("it outlived its killing")
	}
}

// patience bounds each wait; nothing but a failure takes so long.
const patience = time.Minute

func await(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen")
		}
	}
}
