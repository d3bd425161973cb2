package deadletter

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/deadletter"
)

func newDeadletterStatsCommand(a command) *cobra.Command {
	var f letterFilter
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Count dead letters by handler, reason and error",
		Long: `Counts dead letters by handler, reason and error, the most frequent first.
It counts errors that differ only in names and numbers as one error. EXAMPLE is
the SEQ of the newest letter with it: pushworker deadletter show SEQ.`,
		Example: `  pushworker deadletter stats
  pushworker deadletter stats --handler fcm --since 1h -o jsonl`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.letters(cmd.Context(), func(l *letters.Letters) error { return a.countLetters(cmd.Context(), l, f) })
		},
	}
	addLetterSelection(a, cmd, &f)
	return cmd
}

func (a command) countLetters(ctx context.Context, reader *letters.Letters, f letterFilter) error {
	groups, err := deadletter.Groups(reader.List(ctx, f.selection()))
	if err != nil {
		return app.Unavailable(err)
	}
	p := a.List(f.out, "LETTERS", "HANDLER", "REASON", "FIRST", "LAST", "EXAMPLE", "ERROR")
	for _, g := range groups {
		p.Add(g, strconv.Itoa(g.Letters), g.Handler, g.Reason, terminal.Age(g.First), terminal.Age(g.Last), strconv.FormatUint(g.Example, 10), g.Error)
	}
	return p.Close()
}
