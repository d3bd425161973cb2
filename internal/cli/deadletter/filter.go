package deadletter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/retry"
)

// letterFilter are the flags that choose letters, and how to list them.
type letterFilter struct {
	handler string
	reason  reason
	since   app.Moment
	limit   int
	all     bool
	out     terminal.Format
}

func addLetterFlags(a command, cmd *cobra.Command, f *letterFilter) {
	addLetterSelection(a, cmd, f)
	cmd.Flags().IntVar(&f.limit, "limit", 100, "the newest `N`, by default 100")
	cmd.Flags().BoolVar(&f.all, "all", false, "no limit")
}

// addLetterSelection adds the flags that choose letters by what they are.
func addLetterSelection(a command, cmd *cobra.Command, f *letterFilter) {
	flags := cmd.Flags()
	flags.SortFlags = false
	terminal.AddFormat(cmd, &f.out)
	flags.StringVar(&f.handler, "handler", "", "only letters of the handler `NAME`")
	_ = cmd.RegisterFlagCompletionFunc("handler", a.CompleteLanes)
	addReasonFlag(cmd, &f.reason)
	flags.Var(&f.since, "since", "only letters since 2h (ago) or 2026-01-31T12:00:00Z")
}

func (f *letterFilter) check() error {
	if f.limit < 1 {
		return app.Usage(fmt.Errorf("--limit %d: give at least 1, or --all", f.limit))
	}
	return nil
}

func (f *letterFilter) selection() letters.Filter {
	return letters.Filter{Handler: f.handler, Reason: string(f.reason), Since: f.since.Time}
}

// oneMore selects one letter more than was asked for, which tells whether there are
// more.
func (f *letterFilter) oneMore() letters.Filter {
	filter := f.selection()
	if !f.all {
		filter.Limit = f.limit + 1
	}
	return filter
}

func (a command) sayMore(f letterFilter) {
	a.Say("these are the newest %d; there are more: give --all, or choose with --handler, --reason, --since", f.limit)
}

// reason is the value of --reason: a code of retry.Reason.
type reason string

func addReasonFlag(cmd *cobra.Command, r *reason) {
	cmd.Flags().Var(r, "reason", "only letters with this reason, such as permanent")
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
