package replay

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/replay"
)

const (
	// barEvery is how often the bar moves, and lineEvery how often a line is written
	// where there is no terminal.
	barEvery, lineEvery = 100 * time.Millisecond, 10 * time.Second
)

// replayProgress shows how far a replay is: a bar on a terminal, else a line now and
// then.
type replayProgress struct {
	app         command
	replay      *replay.Replay
	first, last uint64
	began       time.Time
	bar         *progressbar.ProgressBar // nil where there is no terminal
	over        chan struct{}
	ended       sync.WaitGroup
}

// newProgress starts to show. There is no bar where receipts are printed to the same
// terminal, because they show it.
func (r *replayRun) newProgress(p *replay.Replay) *replayProgress {
	g := &replayProgress{
		app: r.command, replay: p, first: p.From.Next, last: r.checkpoint.Last, began: time.Now(), over: make(chan struct{}),
	}
	every := lineEvery
	if terminal.IsTerminal(r.Stderr) {
		if r.output.shown && terminal.IsTerminal(r.Stdout) {
			return g
		}
		every = barEvery
		g.bar = progressbar.NewOptions64(max(1, g.total()),
			progressbar.OptionSetWriter(r.Stderr), progressbar.OptionSetWidth(30), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("receipts"), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(barEvery))
	}
	g.ended.Go(func() { g.show(every) })
	return g
}

func (g *replayProgress) show(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-g.over:
			return
		}
		t, next := g.replay.Progress()
		if g.bar != nil {
			_ = g.bar.Set64(g.done(t, next))
			continue
		}
		g.app.Say("%s", g.line(t, next))
	}
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

// clear makes room for a line.
func (g *replayProgress) clear() {
	if g.bar != nil {
		_ = g.bar.Clear()
	}
}

func (g *replayProgress) stop() {
	close(g.over)
	g.ended.Wait()
	g.clear()
}
