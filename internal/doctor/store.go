package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/embedded"
	"github.com/pushworker/pushworker/pkg/push"
)

// lowSpace is how much room a disk should have left.
const lowSpace = 512 << 20

// Store looks at the embedded broker's directory: who uses it, and whether there is
// room. answers says whether a broker answers at the configured address.
func Store(c *config.Config, answers func(context.Context) bool) Group {
	return Group{"store", func(ctx context.Context) []push.Finding {
		return append(lock(ctx, c.DataDir, answers), disk(c)...)
	}}
}

// Answers returns what reports whether something listens where clients of c look for
// the embedded broker.
func Answers(c *config.Config) func(context.Context) bool {
	return func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.Embedded.Addr)
		if err != nil {
			return false
		}
		_ = conn.Close() // only looked at
		return true
	}
}

func lock(ctx context.Context, dir string, answers func(context.Context) bool) []push.Finding {
	holder, err := embedded.HolderOf(dir)
	switch {
	case err != nil:
		return []push.Finding{fail("lock", "cannot read the data directory "+dir+": "+err.Error(), "let this user read PUSHWORKER_DATA_DIR")}
	case !holder.Held && answers(ctx):
		return []push.Finding{warn("lock", "no process uses "+dir+", yet a broker answers at PUSHWORKER_EMBEDDED_ADDR", "set PUSHWORKER_NATS_URL to use that broker, or PUSHWORKER_DATA_DIR as the running worker has it")}
	case !holder.Held:
		return []push.Finding{warn("lock", "no process uses "+dir+": neither a worker nor its broker runs", "start `pushworker run`")}
	case !answers(ctx):
		return []push.Finding{fail("lock", fmt.Sprintf("process %d uses %s, and no broker answers at PUSHWORKER_EMBEDDED_ADDR", holder.PID, dir), "wait while it opens its store; else check that both have the same PUSHWORKER_EMBEDDED_ADDR")}
	}
	return []push.Finding{ok("lock", fmt.Sprintf("process %d uses %s, and its broker answers", holder.PID, dir))}
}

// disk looks at the directory, or at the first one above it that there is.
func disk(c *config.Config) []push.Finding {
	dir, err := filepath.Abs(c.DataDir)
	for err == nil {
		_, stat := os.Stat(dir)
		if !errors.Is(stat, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var free uint64
	if err == nil {
		free, err = freeBytes(dir)
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return []push.Finding{warn("disk", "cannot find out the free space of "+dir+": "+err.Error(), "check PUSHWORKER_DATA_DIR")}
	case free < lowSpace:
		return []push.Finding{fail("disk", fmt.Sprintf("%s has %d MiB left: publishers are refused when it is full", dir, free>>20), "make room, or lower PUSHWORKER_HISTORY")}
	case free < uint64(max(0, int64(c.MaxBytes))):
		return []push.Finding{warn("disk", fmt.Sprintf("%s has %d MiB left, less than PUSHWORKER_MAX_BYTES, %s", dir, free>>20, c.MaxBytes), "lower PUSHWORKER_MAX_BYTES, so that the stream reaches its limit before the disk is full")}
	}
	return []push.Finding{ok("disk", fmt.Sprintf("%s has %d MiB left", dir, free>>20))}
}
