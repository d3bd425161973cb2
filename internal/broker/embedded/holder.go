package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Holder is the process that uses a data directory.
type Holder struct {
	// Held says that somebody does, PID who; 0 if it could not be read.
	Held bool
	PID  int
}

// HolderOf looks who uses dir, and changes nothing. A directory that is missing is
// nobody's.
func HolderOf(dir string) (Holder, error) {
	path := filepath.Join(dir, "lock")
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Holder{}, nil
	case err != nil:
		return Holder{}, fmt.Errorf("reading the lock: %w", err)
	case strings.TrimSpace(string(text)) == "": // given back, or about to be taken
		return Holder{}, nil
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock() // a process that was killed has left its id
	if err != nil {
		return Holder{}, fmt.Errorf("trying the lock: %w", err)
	}
	if free {
		_ = lock.Close() // the lock ends with the process at the latest
		return Holder{}, nil
	}
	return Holder{Held: true, PID: readPID(path)}, nil
}
