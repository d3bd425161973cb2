package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/worker"
)

func newDeadletterCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deadletter",
		Short: "Look at receipts that could not be delivered",
		Example: `  pushworker deadletter ls --since 24h
  pushworker deadletter show 17`,
		Args: unknownCommand,
		RunE: showHelp,
	}
	cmd.AddCommand(newDeadletterListCommand(a), newDeadletterShowCommand(a))
	return cmd
}

// letters runs f with the dead letters of the configured broker.
func (a *app) letters(ctx context.Context, f func(*broker.Letters) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	conn, err := a.connect(ctx, c, "deadletter")
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn.Letters(worker.Topology(c, nil)))
}

// letterFilter are the flags of ls.
type letterFilter struct {
	handler string
	reason  reason
	since   moment
	limit   int
	all     bool
	out     format
}

func newDeadletterListCommand(a *app) *cobra.Command {
	var f letterFilter
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters, the oldest first",
		Example: `  pushworker deadletter ls --handler fcm --since 2h
  pushworker deadletter ls --reason malformed --all -o jsonl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.limit < 1 {
				return usageError{fmt.Errorf("--limit %d: give at least 1, or --all", f.limit)}
			}
			return a.letters(cmd.Context(), func(l *broker.Letters) error { return a.listLetters(cmd.Context(), l, f) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addFormatFlag(cmd, &f.out)
	flags.StringVar(&f.handler, "handler", "", "those of one handler, by `NAME`")
	_ = cmd.RegisterFlagCompletionFunc("handler", a.completeHandler)
	addReasonFlag(cmd, &f.reason)
	flags.Var(&f.since, "since", "buried within 2h, or since 2026-01-31T12:00:00Z")
	flags.IntVar(&f.limit, "limit", 100, "at most `N`, by default 100")
	flags.BoolVar(&f.all, "all", false, "all there are")
	return cmd
}

// letterLine is a letter in the list; the names are the contract's.
type letterLine struct {
	Seq       uint64    `json:"seq"`
	Handler   string    `json:"handler"`
	Reason    string    `json:"reason"`
	Error     string    `json:"error"`
	Attempts  int       `json:"attempts"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Stream    string    `json:"stream"`
	StreamSeq uint64    `json:"stream_seq"`
	Subject   string    `json:"subject"`
}

func (a *app) listLetters(ctx context.Context, letters *broker.Letters, f letterFilter) error {
	filter := broker.LetterFilter{Handler: f.handler, Reason: string(f.reason), Since: f.since.Time}
	if !f.all {
		filter.Limit = f.limit + 1 // tells whether there are more
	}
	p := newPrinter(a.stdout, f.out, "SEQ", "HANDLER", "REASON", "TRIES", "AGE", "ERROR")
	n := 0
	for l, err := range letters.List(ctx, filter) {
		if err != nil {
			if n > 0 {
				_ = p.close() // what there is; the error says that it is not all
			}
			return unavailableError{err}
		}
		if n++; n > f.limit && !f.all {
			a.say("there are more than %d: see them with --all, or choose with --handler, --reason, --since", f.limit)
			break
		}
		p.add(line(l), strconv.FormatUint(l.Seq, 10), orDash(cell(l.Handler, 12)), cell(l.Reason, 10),
			strconv.Itoa(l.Attempts), ageText(l.Last), cell(l.Error, 30))
	}
	return p.close()
}

func line(l deadletter.Letter) letterLine {
	return letterLine{
		Seq: l.Seq, Handler: l.Handler, Reason: l.Reason, Error: l.Error, Attempts: l.Attempts,
		First: l.First, Last: l.Last, Stream: l.Stream, StreamSeq: l.StreamSeq, Subject: l.Subject,
	}
}
