// Package explain has the command explain. How receipts are found, and what became of
// them, is in internal/explain.
package explain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/internal/explain/query"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// explainSince is how far explain looks back, and searchFor how long it searches, if
	// it is not told.
	explainSince = 72 * time.Hour
	searchFor    = 10 * time.Second
)

// explainOptions are the flags of explain.
type explainOptions struct {
	user      push.Uid
	topic     string
	topicSeq  int
	streamSeq uint64
	stream    string
	since     app.Moment
	limit     int
	search    app.Length
	out       terminal.Format
}

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command explain.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	o := explainOptions{search: app.Length(searchFor)}
	cmd := &cobra.Command{
		Use:   "explain [SEQ]",
		Short: "Show what each lane did with a receipt, and why",
		Long: `Shows what each lane did with a receipt, and why; with --user, only for that
user. It finds receipts by their recorded events and by a search of the stored
receipts, which --search limits. For a plain success only the number of devices
and the time are recorded; PUSHWORKER_EVENTS=all also records which devices.`,
		Example: `  pushworker explain --user usr782riWdFIwE                # the last ones
  pushworker explain --user usr782riWdFIwE --topic grpnG99YhENiQU --seq 42
  pushworker explain 4711 -o json                        # as publish printed it`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(o.takeSeq(args), o.check()); err != nil {
				return app.Usage(err)
			}
			return a.WithTopology(cmd.Context(), "explain", func(c *config.Config, conn *broker.Conn, t topology.Topology) error {
				return a.explain(cmd.Context(), c, conn, t, o)
			})
		},
	}
	app.AddUser(cmd, &o.user)
	flags := cmd.Flags()
	flags.StringVar(&o.topic, "topic", "", "only receipts of the conversation `NAME`")
	flags.IntVar(&o.topicSeq, "seq", 0, "only the receipt of message `N` of the topic")
	flags.Uint64Var(&o.streamSeq, "stream-seq", 0, "the receipt with sequence `N`, which publish has printed")
	app.AddStream(cmd, &o.stream)
	flags.Var(&o.since, "since", "look back 2h, or to 2026-01-31; by default 72h")
	flags.IntVar(&o.limit, "limit", 10, "at most the newest `N` receipts, by default 10")
	flags.Var(&o.search, "search", "how long to search, by default 10s; 0: no limit")
	terminal.AddFormat(cmd, &o.out)
	return cmd
}

// takeSeq takes the argument, which is another way to write --stream-seq.
func (o *explainOptions) takeSeq(args []string) error {
	if len(args) == 0 {
		return nil
	}
	seq, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil || seq == 0 || len(args) > 1 || o.streamSeq != 0 && o.streamSeq != seq {
		return fmt.Errorf("want one SEQ, the sequence that publish has printed, got %q", args)
	}
	o.streamSeq = seq
	return nil
}

func (o *explainOptions) check() error {
	switch {
	case o.user.IsZero() && o.streamSeq == 0:
		return errors.New("name a user with --user, or a receipt with its SEQ (--stream-seq)")
	case o.streamSeq != 0 && (o.topic != "" || o.topicSeq != 0):
		return errors.New("--stream-seq names one receipt: leave out --topic and --seq")
	case o.topicSeq != 0 && o.topic == "":
		return errors.New("--seq numbers the messages of a topic: give --topic, too")
	case o.limit < 1:
		return fmt.Errorf("--limit %d: give at least 1", o.limit)
	}
	if o.since.IsZero() {
		o.since.Time = time.Now().Add(-explainSince)
	}
	return nil
}

// single reports whether one receipt is meant, which is told at length.
func (o *explainOptions) single() bool { return o.streamSeq != 0 || o.topicSeq != 0 }

// place is where receipts are looked for, in words.
func (o *explainOptions) place() string {
	if o.topicSeq != 0 {
		return fmt.Sprintf("about message %d of %s", o.topicSeq, o.topic)
	}
	return "in " + o.topic
}

func (a command) explain(ctx context.Context, c *config.Config, conn *broker.Conn, t topology.Topology, o explainOptions) (err error) {
	if o.stream != "" || o.streamSeq != 0 {
		if t, err = app.OneStream(t, o.stream); err != nil {
			return err
		}
	}
	q := query.Query{
		Conn: conn, Topology: t, Limits: c.ReceiptLimits(),
		User: o.user, Topic: o.topic, TopicSeq: o.topicSeq, Since: o.since.Time, Limit: o.limit, For: time.Duration(o.search),
	}
	receipts, err := a.receipts(ctx, c, q, o)
	if err != nil {
		return err
	}
	stories, err := q.Tell(ctx, receipts)
	if err != nil {
		return app.Unavailable(err)
	}
	if o.single() || o.out != terminal.FormatTable {
		return a.printStories(stories, o)
	}
	return a.listStories(stories, c.Streams.Count)
}

// receipts returns the receipts in question, the newest first.
func (a command) receipts(ctx context.Context, c *config.Config, q query.Query, o explainOptions) ([]explain.Receipt, error) {
	if o.streamSeq != 0 {
		receipt, err := q.Get(ctx, o.streamSeq)
		switch {
		case errors.Is(err, history.ErrNotStored):
			return nil, fmt.Errorf("%w: history is kept for %s (PUSHWORKER_HISTORY); `pushworker deadletter ls` may still have a letter of it", err, c.History)
		case err != nil:
			return nil, app.Unavailable(err)
		}
		return []explain.Receipt{receipt}, nil
	}
	if o.single() {
		q.Limit = 1
	}
	found, err := a.find(ctx, q)
	if err != nil {
		return nil, app.Unavailable(err)
	}
	since := o.since.Format(time.RFC3339)
	if !found.Complete {
		since = found.Reached.Format(time.RFC3339)
		a.Say("searched %s: receipts that were stored before %s were not searched, except those whose outcome is recorded; search longer with --search 5m", q.For, since)
	}
	switch {
	case len(found.Receipts) > 0:
		return found.Receipts, nil
	case found.Others > 0:
		return nil, fmt.Errorf("none of the receipts since %s that name %[2]s is %[3]s: `pushworker explain --user %[2]s` shows where they are",
			since, o.user.UserId(), o.place())
	default:
		return nil, fmt.Errorf("no receipt since %s names %s: look further back with --since; one to a channel names no user, and then there is --stream-seq",
			since, o.user.UserId())
	}
}

// find shows how far the search is.
func (a command) find(ctx context.Context, q query.Query) (query.Found, error) {
	var reached atomic.Int64 // in seconds
	reached.Store(time.Now().Unix())
	q.Reached = func(t time.Time) { reached.Store(t.Unix()) }
	shown := a.Show(&app.Progress{Total: -1, Line: func() string {
		return "searched receipts back to " + time.Unix(reached.Load(), 0).UTC().Format(time.RFC3339)
	}})
	defer shown.Stop()
	return q.Find(ctx)
}
