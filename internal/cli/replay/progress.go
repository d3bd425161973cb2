package replay

import (
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/replay"
)

// replayProgress is how far a replay is.
type replayProgress struct {
	replay      *replay.Replay
	first, last uint64
	began       time.Time
}

// newProgress starts to show it. There is none where receipts are printed to the same
// terminal, because they show it.
func (r *replayRun) newProgress(p *replay.Replay) *app.Progress {
	g := &replayProgress{replay: p, first: p.From.Next, last: r.checkpoint.Last, began: time.Now()}
	return r.Show(&app.Progress{
		Total: g.total(), Done: func() int64 { return g.done(p.Progress()) }, Line: func() string { return g.line(p.Progress()) },
		Quiet: r.output.shown && terminal.IsTerminal(r.Stdout) && terminal.IsTerminal(r.Stderr),
	})
}

// total is how much there is to do: sequences to look at, or receipts to choose where
// every one that is looked at counts towards the limit.
func (g *replayProgress) total() int64 {
	all := int64(g.last) - int64(g.first) + 1 //nolint:gosec // no stream has that many
	if limit := g.replay.Limit; limit > 0 && g.replay.Filter == (replay.Filter{}) {
		return min(all, limit-g.replay.Before.Matched)
	}
	return all
}

// done is how much of the total is done. A limit that is reached ends the replay before
// the last sequence.
func (g *replayProgress) done(t replay.Tally, next uint64) int64 {
	done := int64(next - g.first) //nolint:gosec // no stream has that many
	if limit := g.replay.Limit; limit > 0 {
		share := float64(t.Matched-g.replay.Before.Matched) / float64(max(1, limit-g.replay.Before.Matched))
		done = max(done, int64(share*float64(g.total())))
	}
	return min(done, g.total())
}

// line is how far the replay is, and how long it will take at the same speed.
func (g *replayProgress) line(t replay.Tally, next uint64) string {
	done, all := float64(g.done(t, next)), float64(max(1, g.total()))
	text := fmt.Sprintf("%.0f %%, at sequence %d of %d, matched %d", 100*done/all, next-1, g.last, t.Matched)
	if limit := g.replay.Limit; limit > 0 {
		text += fmt.Sprintf(" of at most %d", limit)
	}
	if done == 0 {
		return text
	}
	left := time.Duration(float64(time.Since(g.began)) * (all - done) / done)
	return text + ", about " + left.Round(time.Second).String() + " left"
}
