package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// letterFilter are the flags that choose letters, and how to list them.
type letterFilter struct {
	handler string
	reason  reason
	since   moment
	limit   int
	all     bool
	out     format
}

func addLetterFlags(a *app, cmd *cobra.Command, f *letterFilter) {
	addLetterSelection(a, cmd, f)
	cmd.Flags().IntVar(&f.limit, "limit", 100, "the newest `N`, by default 100")
	cmd.Flags().BoolVar(&f.all, "all", false, "all there are")
}

// addLetterSelection adds the flags that choose letters by what they are.
func addLetterSelection(a *app, cmd *cobra.Command, f *letterFilter) {
	flags := cmd.Flags()
	flags.SortFlags = false
	addFormatFlag(cmd, &f.out)
	flags.StringVar(&f.handler, "handler", "", "those of one handler, by `NAME`")
	_ = cmd.RegisterFlagCompletionFunc("handler", a.completeLanes)
	addReasonFlag(cmd, &f.reason)
	flags.Var(&f.since, "since", "buried within 2h, or since 2026-01-31T12:00:00Z")
}

func (f *letterFilter) check() error {
	if f.limit < 1 {
		return usageError{fmt.Errorf("--limit %d: give at least 1, or --all", f.limit)}
	}
	return nil
}

func (f *letterFilter) selection() broker.LetterFilter {
	return broker.LetterFilter{Handler: f.handler, Reason: string(f.reason), Since: f.since.Time}
}

// oneMore selects one letter more than was asked for, which tells whether there are
// more.
func (f *letterFilter) oneMore() broker.LetterFilter {
	filter := f.selection()
	if !f.all {
		filter.Limit = f.limit + 1
	}
	return filter
}

func (a *app) sayMore(f letterFilter) {
	a.say("these are the newest %d; there are more: give --all, or choose with --handler, --reason, --since", f.limit)
}

// reason is the value of --reason: a code of retry.Reason.
type reason string

func addReasonFlag(cmd *cobra.Command, r *reason) {
	cmd.Flags().Var(r, "reason", "those with the reason, for example permanent")
	_ = cmd.RegisterFlagCompletionFunc("reason", cobra.FixedCompletions(reasons(), cobra.ShellCompDirectiveNoFileComp))
}

func reasons() []string {
	var codes []string
	for _, r := range retry.Reasons() {
		codes = append(codes, r.String())
	}
	return codes
}

// Set implements pflag.Value.
func (r *reason) Set(s string) error {
	if !slices.Contains(reasons(), s) {
		return fmt.Errorf("choose one of %s", strings.Join(reasons(), ", "))
	}
	*r = reason(s)
	return nil
}

// String implements pflag.Value.
func (r *reason) String() string { return string(*r) }

// Type implements pflag.Value.
func (r *reason) Type() string { return "REASON" }

// moment is the value of --since: a time, or how long ago.
type moment struct{ time.Time }

// Set implements pflag.Value.
func (m *moment) Set(s string) error {
	if d, err := push.ParseDuration(s); err == nil && d >= 0 {
		m.Time = time.Now().Add(-d)
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			m.Time = t
			return nil
		}
	}
	return errors.New("write how long ago (90s, 2h, 3d) or a time (2026-01-31, 2026-01-31T12:00:00Z)")
}

// String implements pflag.Value.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Type implements pflag.Value.
func (m *moment) Type() string { return "DUR|TIME" }

// length is the value of a flag that says how long.
type length time.Duration

// Set implements pflag.Value.
func (l *length) Set(s string) error {
	d, err := push.ParseDuration(s)
	if err != nil {
		return errors.New("write a number with a unit: 90s, 30m, 2h, 1d")
	}
	*l = length(d)
	return nil
}

// String implements pflag.Value.
func (l *length) String() string { return time.Duration(*l).String() }

// Type implements pflag.Value.
func (*length) Type() string { return "DURATION" }
