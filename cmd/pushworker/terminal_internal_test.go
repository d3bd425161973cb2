//go:build linux

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// pty is a pseudo-terminal: its screen is what a person sees, its tty what a
// command has.
type pty struct {
	screen, tty *os.File

	mu   sync.Mutex
	seen bytes.Buffer
	more chan struct{} // gets a word after each write to seen
}

func openTerminal(t *testing.T, width uint16) *pty {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(screen.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width})
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &pty{screen: screen, tty: tty, more: make(chan struct{}, 1)}
	go term.watch() // ends with the terminal
	t.Cleanup(func() { _, _ = tty.Close(), screen.Close() })
	return term
}

func (term *pty) watch() {
	buffer := make([]byte, 4096)
	for {
		n, err := term.screen.Read(buffer)
		if err != nil {
			return
		}
		term.mu.Lock()
		term.seen.Write(buffer[:n])
		term.mu.Unlock()
		select {
		case term.more <- struct{}{}:
		default:
		}
	}
}

// await waits until text is to be seen.
func (term *pty) await(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		term.mu.Lock()
		seen := term.seen.String()
		term.mu.Unlock()
		if strings.Contains(seen, text) {
			return
		}
		select {
		case <-term.more:
		case <-ctx.Done():
			t.Fatalf("never saw %q, but %q", text, seen)
		}
	}
}

// typed is a command at a terminal that can be interrupted.
func (term *pty) run(ctx context.Context, env []string, args ...string) <-chan int {
	code := make(chan int, 1)
	go func() { code <- cli.Run(ctx, ours(), args, env, term.tty, term.tty, term.tty) }()
	return code
}

func TestInterruptEndsWhatReadsStdin(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := topology.Provision(t.Context(), conn, b.Topology("stdout")); err != nil {
		t.Fatal(err)
	}
	if _, err := devices.Provision(t.Context(), conn, 1); err != nil {
		t.Fatal(err)
	}
	dead := queue.NewDeadLetters(conn, b.Topology("stdout"))
	if err := dead.Bury(t.Context(), deadletter.Letter{Handler: "stdout", Reason: "permanent", ID: "1", Stream: "PUSH", StreamSeq: 1}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, until string
		args        []string
	}{
		{"drop asks", "[y/N] ", []string{"deadletter", "drop", "--all"}},
		{"redrive asks", "[y/N] ", []string{"deadletter", "redrive", "--all"}},
		{"erase asks", "[y/N] ", []string{"erase", "--user", "1"}},
		{"drop reads a list", "Ctrl-D ends", []string{"deadletter", "drop", "-"}},
		{"publish reads receipts", "Ctrl-D ends", []string{"publish", "-"}},
		{"route reads receipts", "Ctrl-D ends", []string{"route", "-"}},
		{"import reads devices", "Ctrl-D ends", []string{"device", "import", "-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			term := openTerminal(t, 80)
			code := term.run(ctx, []string{"PUSHWORKER_NATS_URL=" + b.URL()}, c.args...)
			term.await(t, c.until)
			interrupt()
			if got := <-code; got != app.ExitUnfinished {
				t.Errorf("exit code %d, want %d", got, app.ExitUnfinished)
			}
			term.await(t, "interrupted")
			if _, err := io.WriteString(term.screen, "y\n"); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Cleanup(func() {
		if _, err := letters.New(conn, b.Topology("stdout")).Show(context.WithoutCancel(t.Context()), 1); err != nil {
			t.Error("the letter is gone:", err)
		}
	})
}
