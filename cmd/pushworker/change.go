package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/time/rate"

	"github.com/pushworker/pushworker/internal/replay"
)

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
		return usageError(errors.New("--dry-run and --yes: give one of them"))
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
	if c.yes || c.dry || !isTerminal(a.stdin.Reader) || !isTerminal(a.stderr) {
		return c.yes, nil
	}
	_, _ = fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if errors.Is(err, errInputInterrupted) {
		_, _ = fmt.Fprintln(a.stderr)
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

// addYesFlag adds --yes to a command that can be taken back and so never asks, for
// scripts that give it to whatever changes something.
func addYesFlag(flags *pflag.FlagSet) {
	flags.Bool("yes", false, "taken, though the command does not ask")
}
