package doctor

import (
	"context"
	"fmt"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/pkg/push"
)

// lanes tells the lanes that somebody has paused, whether or not a worker runs. What
// cannot be asked, permissions and objects tell.
func lanes(ctx context.Context, conn *broker.Conn, t broker.Topology) []push.Finding {
	var found []push.Finding
	stats, _ := conn.Stats(ctx, t)
	for _, l := range stats.Lanes {
		if l.Paused {
			found = append(found, warn("lane "+l.Handler, "paused until "+l.PausedUntil.UTC().Format("2006-01-02 15:04Z"),
				"`pushworker lane resume "+l.Handler+"`"))
		}
	}
	return found
}

// letters tells how many dead letters wait for somebody to decide about them.
func letters(ctx context.Context, conn *broker.Conn, t broker.Topology) []push.Finding {
	switch n, err := conn.WaitingLetters(ctx, t); {
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
