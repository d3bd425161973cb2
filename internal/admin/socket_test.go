package admin_test

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/admin"
)

// socketDir is a directory whose sockets have short paths.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") //nolint:usetesting // t.TempDir has the test's name in it, which is too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // only litter is left
	return dir
}

// asked is whether the status can be had at addr without a token.
func asked(t *testing.T, addr, socket string) error {
	t.Helper()
	_, err := admin.NewClient("http://"+addr, "", socket).Status(t.Context())
	return err
}

// Where other machines can reach the address, programs of the same user are let in
// through the socket, and nobody else.
func TestSocketLetsTheSameUserIn(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "s3cret"} {
		socket := filepath.Join(socketDir(t), "new", "admin-9464.sock")
		addr := serve(t, admin.Options{Addr: "0.0.0.0:0", Token: token, Socket: socket})
		if err := asked(t, addr, socket); err != nil {
			t.Errorf("with token %q: %v", token, err)
		}
		if err := asked(t, addr, ""); err == nil {
			t.Errorf("with token %q the address is open", token)
		}
		info, err := os.Stat(socket)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the socket is %v, %v", info, err)
		}
		if dir, err := os.Stat(filepath.Dir(socket)); err != nil || dir.Mode().Perm() != 0o700 {
			t.Errorf("its directory is %v, %v", dir, err)
		}
	}
}

// On loopback there is none, and a client that finds none goes to the address.
func TestNoSocketOnLoopback(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(socketDir(t), "admin-9464.sock")
	addr := serve(t, admin.Options{Socket: socket})
	if _, err := os.Stat(socket); err == nil {
		t.Error("there is a socket")
	}
	if err := asked(t, addr, socket); err != nil {
		t.Error(err)
	}
}

// A worker that was killed leaves its socket behind. The next one takes the place.
func TestStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(socketDir(t), "admin-9464.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if err := asked(t, serve(t, admin.Options{Addr: "0.0.0.0:0", Socket: socket}), socket); err != nil {
		t.Error(err)
	}
}

// Whatever keeps the socket from being made, the worker does its work and says what
// is missing; somebody else's socket or file is left alone.
func TestSocketThatCannotBe(t *testing.T) {
	t.Parallel()
	dir := socketDir(t)
	taken, file, sealed := filepath.Join(dir, "taken.sock"), filepath.Join(dir, "file.sock"), filepath.Join(dir, "file.sock", "admin.sock")
	other := serve(t, admin.Options{Addr: "0.0.0.0:0", Socket: taken})
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		taken: "another worker", file: "no socket", sealed: "PUSHWORKER_DATA_DIR",
		filepath.Join(dir, strings.Repeat("x", 120), "admin.sock"): "longer than",
	} {
		var log bytes.Buffer
		addr := serve(t, admin.Options{Addr: "0.0.0.0:0", Socket: path, Log: zerolog.New(&log)})
		if text := log.String(); !strings.Contains(text, want) || !strings.Contains(text, "PUSHWORKER_ADMIN_TOKEN") {
			t.Errorf("%s: the log says %q, want %q", path, text, want)
		}
		if got, err := admin.NewClient("http://"+addr, "", "").Read(t.Context(), "/livez"); err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if err := asked(t, other, taken); err != nil {
		t.Errorf("the other worker's socket is gone: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func TestSocketPath(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"0.0.0.0:9464": "d/admin-9464.sock", ":9465": "d/admin-9465.sock", "0.0.0.0:0": "", "nonsense": "",
	} {
		if got := admin.SocketPath("d", addr); got != filepath.FromSlash(want) {
			t.Errorf("SocketPath(d, %q) = %q, want %q", addr, got, want)
		}
	}
}

// An orderly end leaves no file.
func TestSocketIsRemovedAtTheEnd(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(socketDir(t), "admin-9464.sock")
	t.Cleanup(func() { // after the server has ended, whose clean-up is younger
		if _, err := os.Lstat(socket); !os.IsNotExist(err) {
			t.Errorf("the socket is left behind: %v", fs.ErrExist)
		}
	})
	if err := asked(t, serve(t, admin.Options{Addr: "0.0.0.0:0", Socket: socket}), socket); err != nil {
		t.Error(err)
	}
}
