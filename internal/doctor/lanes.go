package doctor

import (
	"context"
	"fmt"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/push"
)

// lanes tells the lanes that somebody has paused, whether or not a worker runs, and
// those that no worker runs. What
// cannot be asked, permissions and objects tell.
func lanes(ctx context.Context, conn *broker.Conn, t topology.Topology) []push.Finding {
	var found []push.Finding
	stats, _ := status.NewReader(conn).Stats(ctx, t)
	for _, l := range stats.Lanes {
		if l.Abandoned {
			found = append(found, abandoned(l))
			continue
		}
		if l.Paused {
			found = append(found, warn("lane "+l.Handler, "paused until "+l.PausedUntil.UTC().Format("2006-01-02 15:04Z"),
				"`pushworker lane resume "+l.Handler+"`"))
		}
	}
	return found
}

// abandoned tells of a lane that no worker runs. It fills the stream if it holds
// anything, and will if it does not.
func abandoned(l status.LaneStats) push.Finding {
	f := fail("lane "+l.Handler, fmt.Sprintf(
		"abandoned: no worker runs it, and it still has receipts: %d pending, %d in flight, %d retries; when the stream is full, publishers are refused",
		l.Pending, l.InFlight, l.RetriesWaiting),
		"start a worker with this handler, or remove the lane with `pushworker lane retire "+l.Handler+"`")
	if l.Pending == 0 && l.InFlight == 0 && l.RetriesWaiting == 0 {
		f.Level = push.LevelWarn
	}
	return f
}

// letters tells how many dead letters wait for somebody to decide about them.
func letters(ctx context.Context, conn *broker.Conn, t topology.Topology) []push.Finding {
	switch n, err := status.WaitingLetters(ctx, conn, t); {
	case err != nil: // permissions and objects tell why
		return nil
	case n == 0:
		return []push.Finding{ok("dead letters", "none is waiting")}
	case n == 1:
		return []push.Finding{warn("dead letters", "1 is waiting", lettersRemedy)}
	default:
		return []push.Finding{warn("dead letters", fmt.Sprintf("%d are waiting", n), lettersRemedy)}
	}
}

const lettersRemedy = "`pushworker deadletter ls` says why; then redrive or drop them"
