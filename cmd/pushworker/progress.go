package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressEvery is how often the progress of something slow is told to what is no
// terminal.
const progressEvery = 10 * time.Second

// progress tells how far something is: on a terminal with a bar, else with a line
// now and then. Call step for each of total, which is -1 if nobody knows it, and done at
// the end.
func (a *app) progress(total int, what string) (step, done func()) {
	if isTerminal(a.stderr) {
		bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetDescription(what),
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
				a.say("%s: %d", what, n)
				return
			}
			a.say("%s: %d of %d", what, n, total)
		}
	}, func() {}
}
