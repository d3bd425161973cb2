package app

import (
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// progressEvery is how often the progress of something slow is told to what is no
// terminal.
const progressEvery = 10 * time.Second

// Progress tells how far something is: on a terminal with a bar, else with a line
// now and then. Call step for each of total, which is -1 if nobody knows it, and done at
// the end.
func (a *App) Progress(total int, what string) (step, done func()) {
	if terminal.IsTerminal(a.Stderr) {
		bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(a.Stderr), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20))
		return func() { _ = bar.Add(1) }, func() { _ = bar.Finish() }
	}
	n, told := 0, time.Now()
	return func() {
		n++
		if now := time.Now(); now.Sub(told) >= progressEvery {
			told = now
			if total < 0 {
				a.Say("%s: %d", what, n)
				return
			}
			a.Say("%s: %d of %d", what, n, total)
		}
	}, func() {}
}
