package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait; none is meant to reach it.
const patience = time.Minute

// process is a program that runs until the test ends, or until it is ended.
type process struct {
	cmd  *exec.Cmd
	out  string // the file with what it printed
	err  string // the file with what it said on stderr
	gone chan struct{}
}

// start runs a program in dir. What it prints is appended to dir/name.out and .err.
func start(t *testing.T, dir, name string, env []string, as *syscall.Credential, args ...string) *process {
	t.Helper()
	p := &process{out: filepath.Join(dir, name+".out"), err: filepath.Join(dir, name+".err"), gone: make(chan struct{})}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: as}
	for file, to := range map[string]func(*os.File){
		p.out: func(f *os.File) { p.cmd.Stdout = f }, p.err: func(f *os.File) { p.cmd.Stderr = f },
	} {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		to(f)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.end(t, syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.said())
		}
	})
	return p
}

// end sends the signal and waits for the end.
func (p *process) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	_ = p.cmd.Process.Signal(signal) // fails if it has ended
	select {
	case <-p.gone:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		t.Errorf("%s did not stop after %v", p.cmd.Path, patience)
	}
}

// said is the end of what p said.
func (p *process) said() string {
	text, _ := os.ReadFile(p.err)
	return string(text[max(0, len(text)-2000):])
}

// eventually waits until check returns "".
func eventually(t *testing.T, check func() string) {
	t.Helper()
	why := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if why = check(); why == "" {
			return
		}
	}
	t.Fatalf("after %v: %s", patience, why)
}

// listens waits until somebody takes connections at addr.
func listens(t *testing.T, addr string) {
	t.Helper()
	eventually(t, func() string {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err.Error()
		}
		_ = c.Close()
		return ""
	})
}

// freeAddr is an address that nobody has.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// command runs a program to its end and returns what it printed.
func command(t *testing.T, dir string, env []string, as *syscall.Credential, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute) // a compiler with a cold cache
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// counted prints a line of the log.
func counted(t *testing.T, format string, args ...any) {
	t.Helper()
	_, _ = fmt.Fprintf(os.Stdout, "    "+format+"\n", args...)
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }
