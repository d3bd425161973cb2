package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/deadletter"
)

func newDeadletterShowCommand(a command) *cobra.Command {
	var raw bool
	out := terminal.FormatTable
	cmd := &cobra.Command{
		Use:   "show SEQ",
		Short: "Show one dead letter and its receipt",
		Long: `Shows one dead letter and its receipt, which may contain a person's message.
With --raw it writes only the receipt, byte for byte as it was published. If the
letter contains only a part, it reads the receipt from the history, if the
history still has it.`,
		Example: `  pushworker deadletter show 17
  pushworker deadletter show 17 --raw > receipt.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one letter by its SEQ from `pushworker deadletter ls`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := deadletter.ParseSeq(args[0])
			switch {
			case err != nil:
				return app.Usage(err)
			case out == terminal.FormatLines:
				return app.Usage(errors.New("-o jsonl: one letter is not a list; use -o json"))
			case raw && cmd.Flags().Changed("output"):
				return app.Usage(errors.New("--raw is write only the bytes of the receipt: leave out one of --raw and -o"))
			}
			return a.letters(cmd.Context(), func(l *letters.Letters) error { return a.showLetter(cmd.Context(), l, seq, raw, out) })
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "write only the bytes of the receipt")
	cmd.Flags().VarP(&out, "output", "o", "table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{string(terminal.FormatTable), string(terminal.FormatJSON)}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a command) showLetter(ctx context.Context, reader *letters.Letters, seq uint64, raw bool, out terminal.Format) error {
	l, err := reader.Show(ctx, seq)
	switch {
	case errors.Is(err, letters.ErrNoLetter):
		return err
	case err != nil:
		return app.Unavailable(err)
	}
	var text []byte
	switch {
	case raw:
		text, err = a.original(ctx, reader, l)
	case out == terminal.FormatJSON:
		text, err = letterJSON(l)
	default:
		text = []byte(describe(l))
	}
	if err != nil {
		return err
	}
	if _, err := a.Stdout.Write(text); err != nil {
		return fmt.Errorf("write the letter: %w", err)
	}
	return nil
}

// shownLetter is a letter with its receipt: JSON, or text where it is none.
type shownLetter struct {
	letterLine

	// Narrowed and Truncated say that it is not all of the receipt.
	Narrowed  bool `json:"narrowed,omitempty"`
	Truncated bool `json:"truncated,omitempty"`
	Receipt   any  `json:"receipt"`
}

func letterJSON(l deadletter.Letter) ([]byte, error) {
	shown := shownLetter{letterLine: line(l), Narrowed: l.Narrowed, Truncated: l.Truncated, Receipt: string(l.Data)}
	if json.Valid(l.Data) {
		shown.Receipt = json.RawMessage(l.Data)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return nil, fmt.Errorf("encode the letter: %w", err)
	}
	return []byte(terminal.PrintableJSON(string(text)) + "\n"), nil
}

// original is the receipt as it was published, or what there is of it.
func (a command) original(ctx context.Context, reader *letters.Letters, l deadletter.Letter) ([]byte, error) {
	text, err := reader.Original(ctx, &l)
	switch {
	case err == nil:
		return text, nil
	case !errors.Is(err, history.ErrNotStored):
		return nil, app.Unavailable(err)
	}
	a.Say("the history no longer has the receipt (%s %d); this is %s", l.Stream, l.StreamSeq, extent(l))
	return l.Data, nil
}

// extent is what of its receipt a letter has.
func extent(l deadletter.Letter) string {
	part := "the whole receipt"
	if l.Narrowed {
		part = `the part that was not delivered, where "devices" are those that have it already`
	}
	if l.Truncated {
		part = "the beginning of " + part
	}
	return part
}

// describe is a letter for human eyes.
func describe(l deadletter.Letter) string {
	var b strings.Builder
	field := func(name, value string) { fmt.Fprintf(&b, "%-10s %s\n", name, terminal.OneLine(value)) }
	field("seq", strconv.FormatUint(l.Seq, 10))
	field("handler", terminal.OrDash(l.Handler))
	field("reason", l.Reason)
	field("error", l.Error)
	field("attempts", strconv.Itoa(l.Attempts))
	field("first", l.First.Format(time.RFC3339Nano))
	field("last", l.Last.Format(time.RFC3339Nano))
	field("origin", l.Stream+" "+strconv.FormatUint(l.StreamSeq, 10))
	field("subject", l.Subject)
	for _, name := range slices.Sorted(maps.Keys(l.Header)) {
		field("header", name+": "+strings.Join(l.Header[name], ", "))
	}
	if l.Redriven > 0 {
		field("redriven", terminal.Count(l.Redriven, "time"))
	}
	if !l.Expires.IsZero() {
		field("expires", l.Expires.Format(time.RFC3339Nano))
	}
	if l.Waited > 0 {
		field("waited", l.Waited.String()+" at its publisher")
	}
	size := fmt.Sprintf("%d bytes", len(l.Data))
	if l.Narrowed || l.Truncated {
		size += ", " + extent(l) + "; all of it with --raw"
	}
	field("receipt", size)
	b.WriteString("\n")
	writeReceipt(&b, l.Data)
	return b.String()
}

// writeReceipt writes JSON indented and anything else as a quoted string. What
// does not print is escaped, in JSON the way of JSON.
func writeReceipt(w io.StringWriter, data []byte) {
	var indented bytes.Buffer
	text := strconv.Quote(string(data))
	if json.Indent(&indented, data, "", "  ") == nil {
		text = terminal.PrintableJSON(strings.TrimSpace(indented.String()))
	}
	_, _ = w.WriteString(text + "\n") // strings.Builder takes all
}
