package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// LockedError says that another process uses the data directory.
type LockedError struct {
	// Dir is the data directory.
	Dir string
	// PID is the holder's process id, 0 if it could not be read.
	PID int
}

func (e *LockedError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = "process " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("data directory %s is used by %s: stop it, or give this process a directory of its own with PUSHWORKER_DATA_DIR", e.Dir, holder)
}

// lockDir creates dir and takes its lock, because two servers would open one
// store without an error and destroy it.
func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w: set PUSHWORKER_DATA_DIR to a directory that can be written", err)
	}
	path := filepath.Join(dir, "lock")
	lock := flock.New(path, flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w: set PUSHWORKER_DATA_DIR to a directory that can be written", err)
	}
	if !locked {
		return nil, &LockedError{Dir: dir, PID: readPID(path)}
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		unlockDir(lock)
		return nil, fmt.Errorf("writing the process id into the lock: %w: check the space and rights of PUSHWORKER_DATA_DIR", err)
	}
	return lock, nil
}

func readPID(path string) int {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// unlockDir leaves the file in place: removing it would let two processes lock
// two files of the same name.
func unlockDir(lock *flock.Flock) {
	_ = os.Truncate(lock.Path(), 0) // a stale process id misleads nobody once the lock is free
	_ = lock.Close()                // the lock ends with the process at the latest
}

// markVersion refuses a store that a newer server has written, and marks it with
// ours.
func markVersion(dir, version string) error {
	path := filepath.Join(dir, "version")
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the version of the store: %w", err)
	}
	marked := strings.TrimSpace(string(text))
	if marked != "" && newer(marked, version) {
		return fmt.Errorf("the store in %s was written by nats-server %s, and this binary has %s, which may not read it: "+
			"use the newer pushworker again, or set PUSHWORKER_DATA_DIR to another directory", dir, marked, version)
	}
	if marked == version {
		return nil
	}
	if err := os.WriteFile(path, []byte(version+"\n"), 0o600); err != nil {
		return fmt.Errorf("marking the version of the store: %w", err)
	}
	return nil
}

// newer reports whether version a is of a later minor release than b. What is
// not a version counts as later, since nobody knows.
func newer(a, b string) bool {
	var majorA, minorA, majorB, minorB int
	if _, err := fmt.Sscanf(a, "%d.%d", &majorA, &minorA); err != nil {
		return true
	}
	if _, err := fmt.Sscanf(b, "%d.%d", &majorB, &minorB); err != nil {
		return false
	}
	return majorA > majorB || majorA == majorB && minorA > minorB
}
