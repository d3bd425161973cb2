package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// tail is how much of what a process said an error shows.
const tail = 2000

// Spec says what to start.
type Spec struct {
	// Name names the files of what it prints: Name.out and Name.err in Dir. Both are
	// made anew.
	Name string
	// Stdout, if set, takes what it prints in place of Name.out.
	Stdout *os.File
	// Args are the path of the program and its arguments.
	Args []string
	// Env is the whole environment.
	Env []string
	// Dir is where it runs.
	Dir string
}

// Process is one run of a program. Its methods may be called from any goroutine.
type Process struct {
	cmd    *exec.Cmd
	out    string
	err    string
	exited chan struct{}
}

// Start starts s. The process is killed when ctx ends.
func Start(ctx context.Context, s Spec) (*Process, error) {
	p := &Process{
		out: filepath.Join(s.Dir, s.Name+".out"), err: filepath.Join(s.Dir, s.Name+".err"), exited: make(chan struct{}),
	}
	out := s.Stdout
	if out == nil {
		file, err := os.Create(p.out)
		if err != nil {
			return nil, fmt.Errorf("keep what %s prints: %w", s.Name, err)
		}
		defer closeFile(file)
		out = file
	}
	errs, err := os.Create(p.err)
	if err != nil {
		return nil, fmt.Errorf("keep what %s says: %w", s.Name, err)
	}
	defer closeFile(errs)
	p.cmd = exec.CommandContext(ctx, s.Args[0], s.Args[1:]...) //nolint:gosec // this program decides what runs
	p.cmd.Env, p.cmd.Dir = s.Env, s.Dir
	p.cmd.Stdout, p.cmd.Stderr = out, errs
	p.cmd.SysProcAttr = attributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

// closeFile closes our copy of a file that the process has, too.
func closeFile(f *os.File) { _ = f.Close() }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Out is the path of what the process has printed.
func (p *Process) Out() string { return p.out }

// Err is the path of what the process has said on stderr.
func (p *Process) Err() string { return p.err }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Kill ends the process at once, frozen or not, and waits until it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it fails only when the process has ended
	<-p.exited
}

// Freeze stops the process in its tracks; Thaw lets it go on.
func (p *Process) Freeze() error { return p.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return p.Signal(syscall.SIGCONT) }

// Terminate tells the process to stop and returns its exit code. If it is still
// there after limit, it is killed and that is an error.
func (p *Process) Terminate(limit time.Duration) (code int, err error) {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-deadline.C:
		p.Kill()
		return 0, fmt.Errorf("%s did not stop within %v of being told to; it said: %s", p.cmd.Path, limit, p.Said())
	}
}

// Signal sends s. A process that has ended is an error that says what it said.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		if errors.Is(err, os.ErrProcessDone) {
			<-p.exited // ProcessState is there
			return fmt.Errorf("%s ended by itself: %v; it said: %s", p.cmd.Path, p.cmd.ProcessState, p.Said())
		}
		return fmt.Errorf("signal %s: %w", p.cmd.Path, err)
	}
	return nil
}

// Said is the end of what the process has said on stderr, on one line or more.
func (p *Process) Said() string {
	text, err := os.ReadFile(p.err)
	if err != nil {
		return err.Error()
	}
	if len(text) > tail {
		text = text[len(text)-tail:]
	}
	return string(bytes.TrimSpace(text))
}

// ExitCode is how the process ended, -1 if it was killed or has not ended.
func (p *Process) ExitCode() int {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}
