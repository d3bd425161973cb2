package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/pflag"
	"golang.org/x/time/rate"

	"github.com/pushworker/pushworker/internal/replay"
)

// progressEvery is how often the progress of something slow is told to what is no
// terminal.
const progressEvery = 10 * time.Second

// change are the flags of commands whose change cannot be taken back.
type change struct {
	rate     float64
	dry, yes bool
}

func addChangeFlags(flags *pflag.FlagSet, c *change) {
	flags.Func("rate", "at most `N/s`, by default as fast as it goes", func(s string) (err error) {
		c.rate, err = replay.ParseRate(s)
		return err
	})
	addConsentFlags(flags, c)
}

func addConsentFlags(flags *pflag.FlagSet, c *change) {
	flags.BoolVar(&c.dry, "dry-run", false, "only say what would happen")
	flags.BoolVar(&c.yes, "yes", false, "do it without asking")
}

func (c *change) check() error {
	if c.dry && c.yes {
		return usageError{errors.New("--dry-run and --yes: give one of them")}
	}
	return nil
}

// pace waits until the next step may go.
func (c *change) pace() func(context.Context) error {
	if c.rate == 0 {
		return func(ctx context.Context) error { return ctx.Err() }
	}
	limiter := rate.NewLimiter(rate.Limit(c.rate), 1)
	return limiter.Wait
}

// consent reports whether the change is to be made: it was told to be, or someone
// at the terminal says so. The error says that the command was interrupted.
func (a *app) consent(c *change, question string) (bool, error) {
	if c.yes || c.dry || !a.isTerminal(a.stdin.Reader) || !a.isTerminal(a.stderr) {
		return c.yes, nil
	}
	_, _ = fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if is[interruptedError](err) {
		_, _ = fmt.Fprintln(a.stderr)
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

// progress tells how far something is: on a terminal with a bar, else with a line
// now and then. Call step for each of total, which is -1 if nobody knows it, and done at
// the end.
func (a *app) progress(total int, what string) (step, done func()) {
	if a.isTerminal(a.stderr) {
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
