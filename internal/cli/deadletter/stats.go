package deadletter

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
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

// letterCount is a group of letters.
type letterCount struct {
	Letters int       `json:"letters"`
	Handler string    `json:"handler"`
	Reason  string    `json:"reason"`
	Error   string    `json:"error"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Example uint64    `json:"example"`
}

func (a command) countLetters(ctx context.Context, reader *letters.Letters, f letterFilter) error {
	type kind struct{ handler, reason, err string }
	groups := make(map[kind]*letterCount)
	for l, err := range reader.List(ctx, f.selection()) {
		if err != nil {
			return app.Unavailable(err)
		}
		key := kind{l.Handler, l.Reason, errorKind(l.Error)}
		group := groups[key]
		if group == nil {
			group = &letterCount{Handler: key.handler, Reason: key.reason, Error: key.err, First: l.Last}
			groups[key] = group
		}
		group.Letters++
		group.Last, group.Example = l.Last, l.Seq
	}
	var all []*letterCount
	for _, group := range groups {
		all = append(all, group)
	}
	slices.SortFunc(all, func(a, b *letterCount) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(b.Example, a.Example))
	})
	p := a.List(f.out, "LETTERS", "HANDLER", "REASON", "FIRST", "LAST", "EXAMPLE", "ERROR")
	for _, g := range all {
		p.Add(g, strconv.Itoa(g.Letters), g.Handler, g.Reason, terminal.Age(g.First), terminal.Age(g.Last), strconv.FormatUint(g.Example, 10), g.Error)
	}
	return p.Close()
}

// what differs between errors of one kind: quoted names, users, long numbers and
// hashes, times. A status such as 404 stays.
var variable = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\busr[A-Za-z0-9_-]{11}\b|\b[0-9a-f]*[0-9][0-9a-f]{3,}\b|\b\d+(?:\.\d+)?(?:ns|µs|ms|s|m|h)\b`)

// errorKind is an error without what differs between errors of one kind.
func errorKind(text string) string { return variable.ReplaceAllString(text, "…") }
