package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// longestPath is the greatest length of a socket's path that every system takes.
const longestPath = 100

// SocketPath is where a worker with this data directory and admin address lets
// programs of the same user in, without a token: admin-<port>.sock, so that workers
// may share a directory. It is empty for an address whose port is not fixed.
func SocketPath(dataDir, addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return ""
	}
	return filepath.Join(dataDir, "admin-"+port+".sock")
}

// listenSocket listens on a socket that only this user can open. A file that a worker
// has left behind, which did not stop in an orderly way, is replaced; one on which
// somebody answers is not.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > longestPath {
		return nil, fmt.Errorf("%s is longer than the %d bytes that a socket may have: shorten PUSHWORKER_DATA_DIR", path, longestPath)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w: set PUSHWORKER_DATA_DIR to a directory that can be written", err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w: let PUSHWORKER_DATA_DIR be a directory that can be written", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = listener.Close() // the error that led here is the one to report
		return nil, fmt.Errorf("close the socket to other users: %w", err)
	}
	return listener, nil
}

// removeStale removes the socket at path if nobody listens there any more.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is not a socket: move it out of PUSHWORKER_DATA_DIR", path)
	}
	var dialer net.Dialer
	other, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = other.Close() // only asked whether there is somebody
		return fmt.Errorf("another worker listens on %s: give each worker of this machine a PUSHWORKER_DATA_DIR or a PUSHWORKER_ADMIN_ADDR of its own", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("see who listens on %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a socket that was left behind: %w", err)
	}
	return nil
}
