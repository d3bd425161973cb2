package app

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/internal/cli/terminal"
)

const (
	// barEvery is how often a terminal shows how far something is, and lineEvery how
	// often a line is written elsewhere.
	barEvery, lineEvery = 100 * time.Millisecond, 10 * time.Second
)

// Progress shows how far something slow is: on a terminal with a bar, or with a line
// that is written over where nobody knows the total, elsewhere with a line now and then.
type Progress struct {
	// What is being done.
	What string
	// Total is how much there is to do; -1 if nobody knows.
	Total int64
	// Done is how much is done; by default, how many steps.
	Done func() int64
	// Line says so in words, by default with the figures alone.
	Line func() string
	// Quiet shows nothing.
	Quiet bool

	app   *App
	steps atomic.Int64
	bar   *progressbar.ProgressBar // nil without a terminal or a total
	over  chan struct{}
	ended sync.WaitGroup
}

// AddQuiet adds --quiet, which leaves out progress and summary.
func AddQuiet(flags *pflag.FlagSet, quiet *bool) {
	flags.BoolVarP(quiet, "quiet", "q", false, "print errors only")
}

// Show begins to show p. Stop ends it.
func (a *App) Show(p *Progress) *Progress {
	p.app, p.over = a, make(chan struct{})
	if p.Done == nil {
		p.Done = p.steps.Load
	}
	if p.Line == nil {
		p.Line = p.figures
	}
	if p.Quiet {
		return p
	}
	every := lineEvery
	if terminal.IsTerminal(a.Stderr) {
		every = barEvery
		if p.Total >= 0 {
			p.bar = progressbar.NewOptions64(max(1, p.Total), progressbar.OptionSetWriter(a.Stderr),
				progressbar.OptionSetDescription(p.What), progressbar.OptionSetWidth(20), progressbar.OptionShowCount(),
				progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(barEvery))
		}
	}
	p.ended.Go(func() { p.run(every) })
	return p
}

// Step counts one thing that is done.
func (p *Progress) Step() { p.steps.Add(1) }

func (p *Progress) run(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-p.over:
			return
		}
		switch {
		case p.bar != nil:
			_ = p.bar.Set64(min(p.Done(), p.Total))
		case every == barEvery:
			_, _ = io.WriteString(p.app.Stderr, "\r"+terminal.Cell(p.Line(), terminal.Width(p.app.Stderr)-1)+clearLine)
		default:
			p.app.Say("%s", p.Line())
		}
	}
}

func (p *Progress) figures() string {
	if p.Total < 0 {
		return fmt.Sprintf("%s: %d", p.What, p.Done())
	}
	return fmt.Sprintf("%s: %d of %d", p.What, p.Done(), p.Total)
}

// clearLine clears the rest of a terminal's line.
const clearLine = "\x1b[K"

// Clear makes room for a line.
func (p *Progress) Clear() {
	if !p.Quiet && terminal.IsTerminal(p.app.Stderr) {
		_, _ = io.WriteString(p.app.Stderr, "\r"+clearLine)
	}
}

// Stop ends the progress and takes it back from the terminal.
func (p *Progress) Stop() {
	close(p.over)
	p.ended.Wait()
	p.Clear()
}
