package deadletter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// letterChoice says which letters to do something with: those named, or those that
// a filter finds.
type letterChoice struct {
	letterFilter

	seqs  []uint64
	named bool
}

// read reads the names: a SEQ each, or "-" for a list on stdin.
func (c *letterChoice) read(a command, cmd *cobra.Command, args []string) error {
	if err := c.check(); err != nil {
		return err
	}
	c.named = len(args) > 0
	for _, name := range []string{"handler", "reason", "since", "limit", "all"} {
		if c.named && cmd.Flags().Changed(name) {
			return app.Usage(fmt.Errorf("name letters by SEQ or choose them with --%s, not both", name))
		}
	}
	for _, arg := range args {
		if err := c.readName(a, arg); err != nil {
			return err
		}
	}
	return nil
}

func (c *letterChoice) readName(a command, arg string) error {
	if arg == "-" {
		in, _, err := a.Open(arg, "SEQs")
		if err != nil {
			return err
		}
		return c.readList(in)
	}
	seq, err := deadletter.ParseSeq(arg)
	if err != nil {
		return app.Usage(err)
	}
	c.seqs = append(c.seqs, seq)
	return nil
}

// readList reads a list and chooses the oldest first. If one line is faulty, none counts:
// they say what is to be changed.
func (c *letterChoice) readList(in io.Reader) error {
	seqs, err := deadletter.ReadSeqs(in)
	switch {
	case errors.Is(err, terminal.ErrInterrupted):
		return terminal.ErrInterrupted
	case err != nil:
		return app.Data(fmt.Errorf("stdin:%w; nothing was changed", err))
	}
	c.seqs = append(c.seqs, seqs...)
	slices.Sort(c.seqs)
	return nil
}

// everything reports whether nothing was chosen.
func (c *letterChoice) everything() bool {
	return !c.named && !c.all && c.handler == "" && c.reason == "" && c.since.IsZero()
}

// letters yields what was chosen: those named, in that order, or the newest of those
// that fit. One that was named and is not there comes with an error that wraps
// [letters.ErrNoLetter], and the others follow; any other error is the last. Letters
// that were not named come without their receipts.
func (c *letterChoice) letters(ctx context.Context, a command, reader *letters.Letters) iter.Seq2[deadletter.Letter, error] {
	if c.named {
		return reader.Each(ctx, c.seqs)
	}
	return func(yield func(deadletter.Letter, error) bool) {
		n := 0
		light := func(l deadletter.Letter) deadletter.Letter {
			l.Data = nil
			return l
		}
		for l, err := range letters.Newest(ctx, reader, c.oneMore(), light) {
			if n++; err == nil && n > c.limit && !c.all {
				a.sayMore(c.letterFilter)
				return
			}
			if !yield(l, err) {
				return
			}
		}
	}
}
