package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/time/rate"

	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/replay"
)

// Change are the flags of commands whose change cannot be taken back.
type Change struct {
	rate     float64
	Dry, Yes bool
}

// AddChange adds the flags of a command that changes many things, one after the other.
func AddChange(flags *pflag.FlagSet, c *Change) {
	flags.Func("rate", "at most `N/s`, by default unlimited", func(s string) (err error) {
		c.rate, err = replay.ParseRate(s)
		return err
	})
	AddConsent(flags, c)
}

// AddConsent adds the flags that say whether to ask.
func AddConsent(flags *pflag.FlagSet, c *Change) {
	flags.BoolVar(&c.Dry, "dry-run", false, "change nothing, show what would happen")
	flags.BoolVar(&c.Yes, "yes", false, "do it without asking")
}

// Check checks the flags against each other.
func (c *Change) Check() error {
	if c.Dry && c.Yes {
		return Usage(errors.New("--dry-run and --yes: give one of them"))
	}
	return nil
}

// Pace waits until the next step may go.
func (c *Change) Pace() func(context.Context) error {
	if c.rate == 0 {
		return func(ctx context.Context) error { return ctx.Err() }
	}
	limiter := rate.NewLimiter(rate.Limit(c.rate), 1)
	return limiter.Wait
}

// Consent reports whether the change is to be made: it was told to be, or someone
// at the terminal says so. The error says that the command was interrupted.
func (a *App) Consent(c *Change, question string) (bool, error) {
	if c.Yes || c.Dry || !terminal.IsTerminal(a.Stdin.Reader) || !terminal.IsTerminal(a.Stderr) {
		return c.Yes, nil
	}
	_, _ = fmt.Fprintf(a.Stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(a.Stdin).ReadString('\n')
	if errors.Is(err, terminal.ErrInterrupted) {
		_, _ = fmt.Fprintln(a.Stderr)
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

// AddYes adds --yes to a command that can be taken back and so never asks, for
// scripts that give it to whatever changes something.
func AddYes(flags *pflag.FlagSet) {
	flags.Bool("yes", false, "accepted for scripts; the command does not ask")
}
