package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/replay"
)

// maxToldFailures is how many failures are told; further ones are counted.
const maxToldFailures = 20

// replayRun is one run of replay.
type replayRun struct {
	command

	o          replayOptions
	output     *replayOutput
	checkpoint replay.Checkpoint
	progress   *app.Progress
	told       int // failures
}

func (r *replayRun) run(ctx context.Context, c *config.Config, source iter.Seq2[replay.Stored, error]) error {
	defer r.output.close()
	p := &replay.Replay{
		Filter: r.o.filter, Limits: c.ReceiptLimits(), Limit: r.o.limit, Pace: r.o.pace, Sink: r.output.sink,
		From: r.checkpoint.Position, Before: r.checkpoint.Tally,
	}
	if r.o.resume != "" {
		p.Save = func(at replay.Position, t replay.Tally) error { return r.save(at, t, false) }
		if err := r.save(p.From, p.Before, false); err != nil { // before anything is done
			return err
		}
	}
	began := time.Now()
	r.progress = r.newProgress(p)
	r.output.told = r.tellFailure
	at, tally, err := p.Run(ctx, source)
	r.progress.Stop()
	if err != nil && app.Heard(err) == nil {
		return err // whoever read our output has enough
	}
	if err == nil {
		err = r.output.complete()
	}
	r.Say("%s in %s", r.summary(tally), time.Since(began).Round(time.Millisecond))
	if err != nil {
		return r.interrupted(at, err)
	}
	if p.Limited {
		r.Say("--limit %d is reached; the next is --from-seq %d", r.o.limit, at.Next)
	}
	if r.o.resume != "" {
		err = r.save(at, tally, true)
	}
	if tally.Failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d receipts were not delivered, or in part only, and are not tried again: look at the errors above and replay their sequences", tally.Failed, tally.Matched))
	}
	return err
}

func (r *replayRun) save(at replay.Position, t replay.Tally, done bool) error {
	c := r.checkpoint
	c.Position, c.Tally, c.Done = at, t, done
	return c.Save(r.o.resume)
}

// interrupted says how to go on after err.
func (r *replayRun) interrupted(at replay.Position, err error) error {
	if r.output.left != "" {
		r.Say("%s", r.output.left)
	}
	switch start := at.Start(); {
	case r.o.handler != "" && !r.o.yes: // a survey begins anew
	case r.o.resume != "":
		r.Say("the same command resumes at sequence %d, which is recorded in %s", start, r.o.resume)
	default:
		r.Say("resume with --from-seq %d", start)
		if beyond := at.Next - start - uint64(len(at.Open)); beyond > 0 && len(at.Open) > 0 {
			r.Say("%d after it are finished already; with --resume FILE they would be skipped", beyond)
		}
	}
	return err
}

// tellFailure tells that a receipt was not delivered.
func (r *replayRun) tellFailure(seq uint64, err error) {
	if r.told++; r.told > maxToldFailures {
		return
	}
	r.progress.Clear()
	r.Say("sequence %d: %v", seq, err)
	if r.told == maxToldFailures {
		r.Say("further failures are counted only")
	}
}

// summary is what was counted, in words.
func (r *replayRun) summary(t replay.Tally) string {
	words := []string{fmt.Sprintf("read %d, matched %d", t.Read, t.Matched)}
	if r.output.verb != "" {
		words = append(words, fmt.Sprintf("%s %d", r.output.verb, t.Sent))
	}
	if t.Sent > 0 && t.Accepted > 0 {
		words[1] += fmt.Sprintf(" (%s accepted)", terminal.Plural(t.Accepted, "push", "pushes"))
	}
	for _, count := range []struct {
		n    int64
		what string
	}{{t.Unsent, "had no recipient"}, {t.Failed, "failed"}, {t.Expired, "expired and not sent"}, {t.Malformed, "malformed and left out"}} {
		if count.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	return strings.Join(words, ", ")
}
