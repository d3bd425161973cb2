//go:build linux || darwin || freebsd

package doctor

import (
	"fmt"
	"syscall"
)

// freeBytes is how much this user may still write below dir.
func freeBytes(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask for the free space: %w", err)
	}
	return uint64(max(0, int64(s.Bavail))) * uint64(s.Bsize), nil //nolint:gosec // the types differ between systems; sizes are positive
}
