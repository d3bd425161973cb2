package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// clearing does something with letters after which they are there no more.
type clearing struct {
	choice letterChoice
	change app.Change
}

// clearingJob is what a clearing does.
type clearingJob struct {
	verb, past, done string // redrive, redrove, redriven
	// ask says why it cannot be done with a letter; act does it, and reports whether
	// it had been done already.
	ask func(context.Context, deadletter.Letter) error
	act func(context.Context, deadletter.Letter) (again bool, err error)
}

// clear runs a command that clears letters.
func (a command) clear(cmd *cobra.Command, args []string, c *clearing, prepare func(*broker.Conn, topology.Topology) clearingJob) error {
	if err := errors.Join(c.change.Check(), c.choice.read(a, cmd, args)); err != nil {
		return err
	}
	if c.change.Yes && c.choice.everything() {
		return app.Usage(errors.New("name letters by SEQ, choose them with --handler, --reason or --since, or give --all"))
	}
	ctx := cmd.Context()
	return a.deadletters(ctx, func(conn *broker.Conn, t topology.Topology) error {
		run := clearingRun{command: a, job: prepare(conn, t), letters: letters.New(conn, t), choice: &c.choice, counts: make(map[string]int)}
		return run.run(ctx, &c.change)
	})
}

// clearingRun is one run of a clearing.
type clearingRun struct {
	command

	job     clearingJob
	letters *letters.Letters
	choice  *letterChoice
	printer *terminal.List
	chosen  []uint64
	able    int            // of those chosen
	cleared int            // of those able
	counts  map[string]int // of refusals, by their text
}

// clearedLine is what becomes of a letter.
type clearedLine struct {
	Seq     uint64 `json:"seq"`
	Handler string `json:"handler"`
	Reason  string `json:"reason"`
	Outcome string `json:"outcome"`
	Why     string `json:"why,omitempty"`
}

func (r *clearingRun) run(ctx context.Context, c *app.Change) error {
	if err := r.list(ctx, !c.Yes); err != nil {
		return err
	}
	yes, err := r.Consent(c, fmt.Sprintf("%s %s?", r.job.verb, terminal.Count(r.able, "letter")))
	if err != nil {
		return err
	}
	if !yes {
		r.sayRefusals()
		r.Say("would %s %d of %s; nothing was changed. Do it with --yes", r.job.verb, r.able, terminal.Count(len(r.chosen), "letter"))
		return nil
	}
	clear(r.counts)
	err = r.clearAll(ctx, c.Pace())
	r.sayRefusals()
	r.Say("%s %d of %s", r.job.past, r.cleared, terminal.Count(len(r.chosen), "letter"))
	return err
}

func (r *clearingRun) start() {
	r.printer = r.List(r.choice.out, "SEQ", "HANDLER", "REASON", "OUTCOME", "WHY")
}

func (r *clearingRun) print(l deadletter.Letter, outcome string, why error) {
	line := clearedLine{Seq: l.Seq, Handler: l.Handler, Reason: l.Reason, Outcome: outcome}
	if why != nil {
		line.Why = why.Error()
	}
	r.printer.Add(line, strconv.FormatUint(l.Seq, 10), l.Handler, l.Reason, outcome, line.Why)
}

// list chooses the letters and, if it is to be seen, says what would become of them.
func (r *clearingRun) list(ctx context.Context, seen bool) error {
	r.start()
	for l, err := range r.choice.letters(ctx, r.command, r.letters) {
		if err == nil {
			err = r.job.ask(ctx, l)
		}
		if err != nil && !letters.Refused(err) {
			return app.Unavailable(err)
		}
		r.chosen = append(r.chosen, l.Seq)
		outcome := "would " + r.job.verb
		if r.refuse(err) {
			outcome = "refused"
		} else {
			r.able++
		}
		if seen {
			r.print(l, outcome, err)
		}
	}
	if !seen {
		return nil
	}
	return r.printer.Close()
}

// clearAll does it, with the oldest first of those that were found: what they tell is to
// arrive in its order. A letter that was begun is finished, whatever ends ctx.
func (r *clearingRun) clearAll(ctx context.Context, pace func(context.Context) error) (err error) {
	r.start()
	if !r.choice.named {
		slices.Reverse(r.chosen)
	}
	shown := r.Show(&app.Progress{What: r.job.verb, Total: int64(len(r.chosen))})
	for l, fault := range r.letters.Each(context.WithoutCancel(ctx), r.chosen) {
		if err = pace(ctx); err != nil {
			err = fmt.Errorf("interrupted: %w; the remaining letters are unchanged; run the same command again to continue", consumer.ErrUnfinished)
			break
		}
		if err = r.clearOne(context.WithoutCancel(ctx), l, fault); err != nil {
			err = app.Unavailable(fmt.Errorf("letter %d: %w; the remaining letters are unchanged", l.Seq, err))
			break
		}
		shown.Step()
	}
	shown.Stop()
	if left := len(r.chosen) - r.cleared; err == nil && left > 0 {
		err = fmt.Errorf("%s could not be %s", terminal.Count(left, "letter"), r.job.done)
	}
	return errors.Join(err, r.printer.Close())
}

// clearOne does it with one letter and returns an error that concerns all of them.
func (r *clearingRun) clearOne(ctx context.Context, l deadletter.Letter, err error) error {
	again := false
	if err == nil {
		again, err = r.job.act(ctx, l)
	}
	switch {
	case r.refuse(err):
		r.print(l, "refused", err)
		return nil
	case err != nil:
		r.print(l, "failed", err)
		return err
	case again:
		r.print(l, "was "+r.job.done, nil)
	default:
		r.print(l, r.job.done, nil)
	}
	r.cleared++
	return nil
}

// refuse counts err if it is about one letter.
func (r *clearingRun) refuse(err error) bool {
	if err == nil || !letters.Refused(err) {
		return false
	}
	r.counts[err.Error()]++
	return true
}

// sayRefusals says each reason once.
func (r *clearingRun) sayRefusals() {
	var texts []string
	for text := range r.counts {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	for _, text := range texts {
		r.Say("%s cannot be %s: %s", terminal.Count(r.counts[text], "letter"), r.job.done, text)
	}
}
