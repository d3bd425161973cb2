package main

import (
	"context"
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
  pushworker deadletter show 17
  pushworker deadletter redrive 17 --yes`,
		Args: unknownCommand,
		RunE: showHelp,
	}
	cmd.AddCommand(
		newDeadletterListCommand(a), newDeadletterShowCommand(a),
		newDeadletterRedriveCommand(a), newDeadletterDropCommand(a),
	)
	return cmd
}

// letters runs f with the dead letters of the configured broker.
func (a *app) letters(ctx context.Context, f func(*broker.Letters) error) error {
	return a.deadletters(ctx, func(conn *broker.Conn, t broker.Topology) error { return f(conn.Letters(t)) })
}

// deadletters runs f with the configured broker.
func (a *app) deadletters(ctx context.Context, f func(*broker.Conn, broker.Topology) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	conn, err := a.connect(ctx, c, "deadletter")
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn, worker.Topology(c, nil))
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
			if err := f.check(); err != nil {
				return err
			}
			return a.letters(cmd.Context(), func(l *broker.Letters) error { return a.listLetters(cmd.Context(), l, f) })
		},
	}
	addLetterFlags(a, cmd, &f)
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
	p := newPrinter(a.stdout, f.out, "SEQ", "HANDLER", "REASON", "TRIES", "AGE", "ERROR")
	n := 0
	for l, err := range letters.List(ctx, f.oneMore()) {
		if err != nil {
			if n > 0 {
				_ = p.close() // what there is; the error says that it is not all
			}
			return unavailableError{err}
		}
		if n++; n > f.limit && !f.all {
			a.sayMore(f)
			break
		}
		p.add(line(l), strconv.FormatUint(l.Seq, 10), orDash(cell(l.Handler, 12)), cell(l.Reason, 10),
			strconv.Itoa(l.Attempts), ageText(l.Last), cellEnd(l.Error, 30))
	}
	return p.close()
}

func line(l deadletter.Letter) letterLine {
	return letterLine{
		Seq: l.Seq, Handler: l.Handler, Reason: l.Reason, Error: l.Error, Attempts: l.Attempts,
		First: l.First, Last: l.Last, Stream: l.Stream, StreamSeq: l.StreamSeq, Subject: l.Subject,
	}
}
