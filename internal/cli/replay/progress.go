package replay

import (
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/replay"
)

// newProgress starts to show how far p is. It does not where receipts are printed to the
// same terminal, because they show it.
func (r *replayRun) newProgress(p *replay.Replay) *app.Progress {
	began, last := time.Now(), r.checkpoint.Last
	_, total := p.Extent(last)
	return r.Show(&app.Progress{
		Total: total,
		Done: func() int64 {
			done, _ := p.Extent(last)
			return done
		},
		Line:  func() string { return progressLine(p, last, time.Since(began)) },
		Quiet: r.output.shown && terminal.IsTerminal(r.Stdout) && terminal.IsTerminal(r.Stderr),
	})
}

// progressLine is how far p is after some time, and how long it will take at the same
// speed.
func progressLine(p *replay.Replay, last uint64, took time.Duration) string {
	tally, next := p.Progress()
	part, total := p.Extent(last)
	done, all := float64(part), float64(max(1, total))
	text := fmt.Sprintf("%.0f %%, at sequence %d of %d, matched %d", 100*done/all, next-1, last, tally.Matched)
	if p.Limit > 0 {
		text += fmt.Sprintf(" of at most %d", p.Limit)
	}
	if done == 0 {
		return text
	}
	left := time.Duration(float64(took) * (all - done) / done)
	return text + ", about " + left.Round(time.Second).String() + " left"
}
