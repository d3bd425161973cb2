package replay

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/pkg/push"
)

// replayOutput is where receipts go, and what to do when all are there.
type replayOutput struct {
	sink replay.Sink
	// shown says that receipts are printed to stdout.
	shown bool
	// verb says what is done with them.
	verb string
	// complete is called at the end, unless something went wrong; close always.
	complete func() error
	close    func()
	// left says what there is when the replay was not completed.
	left string
	// told is called for each failure; the run sets it.
	told func(seq uint64, err error)
}

// replayOutput opens the output, which has offset bytes already.
func (a command) replayOutput(ctx context.Context, o replayOptions, c *config.Config, conn *broker.Conn, offset int64) (*replayOutput, error) {
	out := &replayOutput{complete: func() error { return nil }, close: func() {}}
	switch {
	case o.handler != "" && o.yes:
		d, hash, err := a.directory(ctx, conn, c)
		if err != nil {
			return nil, err
		}
		h, err := a.configuredHandler(c, o.handler, d)
		if err != nil {
			return nil, err
		}
		dry := dryRuns(c, o.handler)
		out.verb = deliveredAs(dry)
		delivery := replay.NewDelivery(h, c.ShutdownGrace, func(seq uint64, err error) { out.told(seq, err) })
		if c.Events != "off" {
			delivery.Tell, out.close = replay.Record(ctx, outcome.Options{Publish: events.NewPublisher(conn).Publish, Hash: hash, Dry: dry}, o.stream, o.handler)
		}
		out.sink = delivery
	case o.handler != "":
		h, err := a.configuredHandler(c, o.handler, noDirectory{})
		if err != nil {
			return nil, err
		}
		survey := replay.NewSurvey(h)
		out.sink, out.close = survey, h.Stop
		out.complete = func() error { return a.tellFound(o.handler, survey.Found()) }
	case o.to != "" && o.to != "-":
		return out, out.openFile(o, offset)
	default:
		out.verb, out.shown, out.sink = "printed", true, a.printed(o)
	}
	return out, nil
}

func (out *replayOutput) openFile(o replayOptions, offset int64) error {
	out.verb = "written to " + o.to
	if info, err := os.Stat(o.to); err == nil && !info.Mode().IsRegular() && !info.IsDir() { // a pipe, or /dev/null
		f, err := os.OpenFile(o.to, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("opening the output: %w", err)
		}
		out.sink, out.complete = replay.NewLines(f, offset, nil), f.Close
		return nil
	}
	f, err := replay.CreateFile(o.to, o.resumed, offset)
	if err != nil {
		return err
	}
	out.sink, out.complete, out.left = replay.NewLines(f, offset, f.Sync), f.Complete, "what is written is in "+f.Partial()
	out.close = func() { _ = f.Close() } // after complete it is closed already
	return nil
}

// printed prints to stdout: for people on a terminal, else as JSON Lines.
func (a command) printed(o replayOptions) replay.Sink {
	atTerminal := terminal.IsTerminal(a.Stdout)
	switch {
	case o.out == terminal.FormatTable, o.out == "" && o.to == "" && atTerminal:
		width := terminal.Width(a.Stdout)
		_, _ = io.WriteString(a.Stdout, replayLine(width, "SEQ", "STORED (UTC)", "WHAT", "TOPIC", "NO", "TO")+"\n")
		return replay.NewText(a.Stdout, 0, nil, func(s replay.Stored, r *push.Receipt) ([]byte, error) {
			return []byte(replayRow(width, s, r)), nil
		})
	case atTerminal:
		return replay.NewText(a.Stdout, 0, nil, func(s replay.Stored, _ *push.Receipt) ([]byte, error) {
			line, err := replay.JSONLine(s.Data)
			return []byte(terminal.PrintableJSON(string(line))), err
		})
	}
	return replay.NewLines(a.Stdout, 0, nil)
}

// replayRow is a receipt for people, without its content.
func replayRow(width int, s replay.Stored, r *push.Receipt) string {
	p := &r.Payload
	return replayLine(width, strconv.FormatUint(s.Seq, 10), s.Time.UTC().Format("01-02 15:04:05"),
		terminal.OrDash(terminal.OneLine(p.What)), terminal.OrDash(terminal.OneLine(p.Topic)), strconv.Itoa(p.SeqId), app.Addressed(r.To, r.Channel))
}

// replayLine is one line of a table whose end nobody knows yet. It fits into width; 0
// is no bound.
func replayLine(width int, seq, at, what, topic, no, to string) string {
	const layout = "%-8s  %-14s  %-5s  %-*s  %-6s  %s"
	const others, wide = 54, 25 // columns beside the topic's, and the topic's if it is short
	if width == 0 {
		return fmt.Sprintf(layout, seq, at, what, wide, topic, no, to)
	}
	room := max(terminal.LeastColumn, width-others)
	return terminal.Clip(fmt.Sprintf(layout, seq, at, what, min(wide, room), terminal.Clip(topic, room), no, to), width)
}

// tellFound says what would be sent.
func (a command) tellFound(handler string, f replay.Found) error {
	_, err := fmt.Fprintf(a.Stdout, "handler     %s\nreceipts    %d\nrecipients  %d\n", handler, f.Receipts, f.Recipients)
	if err == nil && f.Channels > 0 {
		_, err = fmt.Fprintf(a.Stdout, "channels    %d\n", f.Channels)
	}
	if err == nil && f.Receipts > 0 {
		_, err = fmt.Fprintf(a.Stdout, "sequences   %d to %d\nstored      %s to %s\n", f.First.Seq, f.Last.Seq,
			f.First.Time.UTC().Format(time.RFC3339), f.Last.Time.UTC().Format(time.RFC3339))
	}
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	a.Say("nothing was sent: add --yes to send them")
	return nil
}
