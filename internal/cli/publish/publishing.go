package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/publish"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// few receipts need no summary: each has a line.
const few = 10

// publishing is one run of publish.
type publishing struct {
	command

	out                        *terminal.List
	total, invalid, duplicates int
	// quiet leaves out all but faults.
	quiet    bool
	progress *app.Progress
}

// run publishes all inputs. It stops early when the broker does not store.
func (p *publishing) run(ctx context.Context, all *publish.Publishing, inputs []string) error {
	byLine := p.out.Format == terminal.FormatTable && terminal.IsTerminal(p.Stdout)
	p.progress = p.Show(&app.Progress{What: "publishing", Total: -1, Quiet: p.quiet || byLine})
	began := time.Now()
	err := p.collect(ctx, all, inputs)
	p.progress.Stop()
	if stored := p.total - p.invalid; stored > few && !p.quiet {
		p.Say("published %s (%d duplicates) in %s", terminal.Count(stored, "receipt"), p.duplicates, time.Since(began).Round(time.Millisecond))
	}
	if err == nil && p.invalid > 0 {
		err = app.Data(errors.New(unpublished(p.invalid, p.total)))
	}
	if err == nil && p.total == 0 {
		p.Say("there was no receipt in the input")
	}
	return errors.Join(err, p.out.Close())
}

// unpublished says how many inputs of all were not published.
func unpublished(n, total int) string {
	switch {
	case total == 1:
		return "the input could not be read as a receipt and was not published"
	case n == total:
		return fmt.Sprintf("none of the %d inputs could be read as a receipt, and nothing was published", total)
	case n == 1:
		return fmt.Sprintf("1 of %d inputs could not be read as a receipt and was not published; the rest was", total)
	}
	return fmt.Sprintf("%d of %d inputs could not be read as receipts and were not published; the rest was", n, total)
}

// collect tells the results.
func (p *publishing) collect(ctx context.Context, all *publish.Publishing, inputs []string) error {
	for r, err := range all.Run(ctx, inputs, p.out.Flush) {
		if err != nil {
			return app.Interrupted("receipts that were not reported as stored may be stored: publish them again")
		}
		if err := p.tell(r); err != nil {
			return err
		}
	}
	return nil
}

// publishedLine is a receipt that is stored, and where it was read.
type publishedLine struct {
	publisher.Ack

	Input string `json:"input"`
}

// tell prints a result. Its error ends the run.
func (p *publishing) tell(r *publish.Result) error {
	p.total++
	switch {
	case len(r.Faults) > 0:
		p.invalid++
		for _, fault := range r.Faults {
			p.progress.Clear()
			p.Say("%s: %s", r.Where, fault)
		}
		return nil
	case r.Err != nil:
		return fmt.Errorf("%s and what follows: %w", r.Where, r.Err)
	}
	p.progress.Step()
	verdict := "stored"
	if r.Ack.Duplicate {
		verdict = "duplicate"
		p.duplicates++
	}
	if p.quiet {
		return nil
	}
	p.out.Add(publishedLine{r.Ack, r.Where}, fmt.Sprintf("%-9s  %s %d  %s", verdict, r.Ack.Stream, r.Ack.Seq, terminal.OneLine(r.Where)))
	return nil // an error of the output is told at the end
}
