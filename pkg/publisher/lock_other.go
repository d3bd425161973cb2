//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package publisher

import (
	"errors"
	"os"
)

// lockFile is for systems that can keep a second process from a file.
func lockFile(string) (*os.File, error) {
	return nil, errors.New("this system cannot lock files: leave the queue's file out")
}
