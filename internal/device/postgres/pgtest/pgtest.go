// Package pgtest gives tests a real PostgreSQL: a server on a free loopback port, with
// its data in a temporary directory, which ends with the test. It refuses to fake
// anything. What is lost at its border: fsync, which is off.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
)

// startup is how long a server may take to accept connections.
const startup = time.Minute

// Server is a server for tests.
type Server struct {
	bin, dir, port string
	as             *syscall.Credential
	process        *exec.Cmd
	ended          chan struct{}
	said           bytes.Buffer // until ended
}

// New makes an empty cluster and starts a server for it, until the test ends. Where there is no
// PostgreSQL the test is skipped, and under CI it fails.
func New(tb testing.TB) *Server {
	tb.Helper()
	s, stop, err := Open(context.WithoutCancel(tb.Context()), tb.TempDir())
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	return s
}

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is missing: install Debian's package postgresql")

// Open is New for those who have no test yet. dir is empty, and others may enter it.
func Open(ctx context.Context, dir string) (s *Server, stop func(), err error) {
	s = &Server{dir: filepath.Join(dir, "data")}
	if s.bin, err = binaries(); err != nil {
		return nil, nil, err
	}
	if s.as, err = unprivileged(); err != nil {
		return nil, nil, err
	}
	if err := s.own(dir); err != nil {
		return nil, nil, err
	}
	out, err := s.command("initdb", "-D", s.dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N").CombinedOutput()
	if err != nil {
		return nil, nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	addr, release, err := address.Free()
	if err != nil {
		return nil, nil, err
	}
	_, s.port, _ = net.SplitHostPort(addr) // it has one
	stop = func() {
		s.Kill()
		release()
	}
	return s, stop, s.Start(ctx)
}

// binaries is the directory of PostgreSQL's programs.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // where Debian has it
	if err != nil || len(found) == 0 {
		return "", ErrMissing
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// unprivileged is who runs the server for root, for whom PostgreSQL does not run.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // whoever this is
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run for root: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(nobody.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err, gidErr)
}

// own makes the data directory, which the server can reach.
func (s *Server) own(dir string) error {
	if err := os.Mkdir(s.dir, 0o700); err != nil || s.as == nil {
		return err
	}
	for at := dir; len(at) > len(os.TempDir()); at = filepath.Dir(at) { // as far as it is the test's
		if err := os.Chmod(at, 0o755); err != nil { //nolint:gosec // the server's user has to pass
			return err
		}
	}
	return os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid))
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...) //nolint:gosec,noctx // PostgreSQL's own programs; Kill ends them
	c.Dir, c.Env = "/", append(os.Environ(), "LC_ALL=C", "TZ=Europe/Berlin")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGQUIT}
	return c
}

// Start starts the server again, on the same port and data.
func (s *Server) Start(ctx context.Context) error {
	s.said.Reset()
	s.process = s.command("postgres", "-D", s.dir, "-p", s.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "max_connections=200", "-c", "autovacuum=off")
	s.process.Stdout, s.process.Stderr = &s.said, &s.said
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	s.ended = make(chan struct{})
	go func() {
		_ = s.process.Wait() // said has the reason
		close(s.ended)
	}()
	return s.wait(ctx)
}

// wait waits until the server accepts connections.
func (s *Server) wait(ctx context.Context) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	end := time.After(startup)
	for {
		if s.ready(ctx) {
			return nil
		}
		select {
		case <-look.C:
		case <-s.ended:
			return fmt.Errorf("postgres has ended: %s", s.said.String())
		case <-end:
			s.Kill()
			return fmt.Errorf("postgres does not accept connections: %s", s.said.String())
		}
	}
}

// Kill ends the server as a crash does.
func (s *Server) Kill() {
	_ = s.process.Process.Signal(syscall.SIGQUIT) // its children end with it
	<-s.ended
}

// URL is that of a database, for the superuser.
func (s *Server) URL(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Host: net.JoinHostPort("127.0.0.1", s.port), Path: database, RawQuery: "sslmode=disable"}).String()
}
