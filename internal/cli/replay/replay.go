// Package replay has the command replay. How receipts are read again and delivered is
// in internal/replay.
package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	stretch      history.Stretch
	since, until stamp
	filter       replay.Filter
	limit        int64
	handler, to  string
	pace         replay.Pace
	yes          bool
	resume       string
	stream       string
	out          terminal.Format
	// resumed says that another process has begun it.
	resumed bool
	// query is what was asked for, in the words of the command line.
	query map[string]string
	// speed is how fast to go, in the same words.
	speed map[string]string
	flags *pflag.FlagSet
}

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command replay.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Print, save or resend stored receipts",
		Long: `Reads the stored receipts and prints them, one a line. Workers are not
affected. With --handler it shows what it would send; with --handler and --yes
it sends each receipt once, except expired ones. --to writes to FILE.partial,
and renames that to FILE at the end.`,
		Example: `  pushworker replay --since 2h --user usr782riWdFIwE
  pushworker replay --since 2026-01-31 --until 2026-02-01 --to jan-31.jsonl
  pushworker replay --from-seq 4711 --limit 10 --handler fcm --rate 5/s --yes`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd); err != nil {
				return app.Usage(err)
			}
			return a.replay(cmd.Context(), &o)
		},
	}
	o.addFlags(cmd, a)
	return cmd
}

func (o *replayOptions) addFlags(cmd *cobra.Command, a command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Uint64Var(&o.stretch.From, "from-seq", 0, "first sequence `N`")
	flags.Uint64Var(&o.stretch.To, "to-seq", 0, "last sequence `N`")
	flags.Var(&o.since, "since", "only receipts since 2h (ago) or 2026-01-31T12:00:00Z")
	flags.Var(&o.until, "until", "only receipts stored before that time")
	flags.Var((*app.UserValue)(&o.filter.User), "user", "only receipts to this user")
	flags.StringVar(&o.filter.Topic, "topic", "", "only receipts of the topic or channel `NAME`")
	flags.StringVar(&o.filter.What, "what", "", "only receipts with the action `WHAT`, such as msg")
	flags.Int64Var(&o.limit, "limit", 0, "at most `N` receipts")
	flags.StringVar(&o.handler, "handler", "", "send them through the handler `NAME`")
	flags.BoolVar(&o.yes, "yes", false, "send them; without --yes nothing is sent")
	flags.StringVar(&o.to, "to", "", "write JSON Lines to `FILE`, or to - for stdout")
	flags.Var(&parsed{value: &o.pace.Rate, parse: replay.ParseRate, kind: "N/s"}, "rate", "at most N receipts a second")
	flags.Var(&parsed{value: &o.pace.Speed, parse: replay.ParseSpeed, kind: "1x|10x|max"}, "speed", "keep the time between receipts, by default max")
	app.AddStream(cmd, &o.stream)
	flags.StringVar(&o.resume, "resume", "", "save progress in `FILE` each second; resume from it")
	flags.VarP(&o.out, "output", "o", "on stdout: table or jsonl")
	_ = cmd.RegisterFlagCompletionFunc("handler", a.CompleteHandler)
	_ = cmd.RegisterFlagCompletionFunc("what", cobra.FixedCompletions([]string{push.ActMsg, push.ActSub, push.ActRead}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{string(terminal.FormatTable), string(terminal.FormatLines)}, cobra.ShellCompDirectiveNoFileComp))
}

// complete checks the flags against each other.
func (o *replayOptions) complete(cmd *cobra.Command) error {
	o.stretch.Since, o.stretch.Until = o.since.Time, o.until.Time
	o.query, o.speed = make(map[string]string), make(map[string]string)
	o.flags = cmd.Flags()
	o.flags.Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "rate", "speed":
			o.speed[f.Name] = f.Value.String()
		case "from-seq", "to-seq", "since", "until", "user", "topic", "what", "limit", "handler", "to":
			o.query[f.Name] = f.Value.String()
		}
	})
	s := o.stretch
	switch {
	case o.handler != "" && (o.to != "" || o.out != ""):
		return errors.New("--handler sends receipts and does not write them: leave out --to and -o")
	case o.yes && o.handler == "":
		return errors.New("--yes is for --handler, which says where to send")
	case o.resume != "" && o.handler != "" && !o.yes:
		return errors.New("--resume needs --yes: without it nothing is sent, so there is no progress to keep")
	case o.to != "" && o.out != "":
		return errors.New("-o is for stdout: leave out one of --to and -o")
	case o.out == terminal.FormatJSON:
		return errors.New("-o json: a stream of receipts is not one JSON value; use -o jsonl")
	case o.limit < 1 && cmd.Flags().Changed("limit"):
		return fmt.Errorf("--limit %d: give at least 1, or leave it out for all", o.limit)
	case s.To > 0 && s.From > s.To:
		return fmt.Errorf("--from-seq %d is after --to-seq %d", s.From, s.To)
	case !s.Until.IsZero() && !s.Since.Before(s.Until):
		return fmt.Errorf("--since %s is not before --until %s", o.since.text, o.until.text)
	}
	return nil
}

// replay replays what o asks for.
func (a command) replay(ctx context.Context, o *replayOptions) error {
	load := a.Config
	if o.handler != "" {
		load = a.WholeConfig
	}
	c, err := load()
	if err != nil {
		return err
	}
	conn, err := a.Connect(ctx, c, "replay")
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := o.choose(ctx, conn, worker.Topology(c, nil)); err != nil {
		return err
	}
	reader := history.New(conn, o.stream)
	checkpoint, err := o.checkpoint(ctx, reader)
	if err != nil {
		return err
	}
	if checkpoint.Done {
		a.Say("%s says that this replay is complete: remove it to begin again", o.resume)
		return nil
	}
	out, err := a.replayOutput(ctx, *o, c, conn, checkpoint.Position.Offset)
	if err != nil {
		return err
	}
	run := replayRun{command: a, o: *o, output: out, checkpoint: checkpoint}
	return run.run(ctx, c, receiptsOf(ctx, reader, o.stream, checkpoint.Position.Start(), checkpoint.Last))
}

// choose decides which stream is read.
func (o *replayOptions) choose(ctx context.Context, conn *broker.Conn, t topology.Topology) error {
	if err := topology.CheckShards(ctx, conn, t); err != nil {
		return app.Usage(err)
	}
	t, err := app.OneStream(t, o.stream)
	o.stream = t.Receipts()
	o.query["stream"] = o.stream
	return err
}

// checkpoint is where the replay begins, or goes on.
func (o *replayOptions) checkpoint(ctx context.Context, reader *history.History) (replay.Checkpoint, error) {
	if o.resume != "" {
		kept, ok, err := replay.LoadCheckpoint(o.resume)
		if err == nil && ok {
			err = sameQuery(kept.Query, o.query)
		}
		if err != nil {
			return kept, app.Usage(err)
		}
		if o.resumed = ok; ok {
			return kept, o.keepPace(&kept)
		}
	}
	first, last, err := reader.Bounds(ctx, o.stretch)
	if err != nil {
		return replay.Checkpoint{}, app.Unavailable(err)
	}
	return replay.Checkpoint{Query: o.query, Pace: o.speed, Last: last, Position: replay.Position{Next: first}}, nil
}

// receiptsOf yields the receipts with the sequences first to last. What goes wrong
// there is the broker's.
func receiptsOf(ctx context.Context, reader *history.History, stream string, first, last uint64) iter.Seq2[replay.Stored, error] {
	return func(yield func(replay.Stored, error) bool) {
		if first > last {
			return // to the broker, a last sequence of 0 would be no bound
		}
		for m, err := range reader.Read(ctx, history.Stretch{From: first, To: last}) {
			if err != nil {
				err = app.Unavailable(err)
			}
			said := m.Published()
			if !yield(replay.Stored{
				Stream: stream, Seq: m.Seq, Time: m.Time, Expires: said.Expires, Waited: said.Waited, Header: said.Header, Data: m.Data,
			}, err) {
				return
			}
		}
	}
}
