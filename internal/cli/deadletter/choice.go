package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/jsonl"
)

// maxListLine bounds a line of a list of letters.
const maxListLine = 1 << 20

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
	seq, err := strconv.ParseUint(arg, 10, 64)
	if err != nil || seq == 0 {
		return app.Usage(fmt.Errorf("%q is not a SEQ of `pushworker deadletter ls`", arg))
	}
	c.seqs = append(c.seqs, seq)
	return nil
}

// readList reads the lines of `deadletter ls -o jsonl`, or a SEQ on each line, and
// chooses the oldest first. If one of them is neither, none counts: they say what is to
// be changed.
func (c *letterChoice) readList(in io.Reader) error {
	defer func() { slices.Sort(c.seqs) }()
	lines := jsonl.NewLines(in, maxListLine)
	for {
		line, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, terminal.ErrInterrupted):
			return err
		case err != nil:
			return app.Data(fmt.Errorf("stdin:%d: %w; nothing was changed", lines.N, err))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		seq := seqOf(line)
		if seq == 0 {
			return app.Data(fmt.Errorf("stdin:%d: want a line of `pushworker deadletter ls -o jsonl`, or a SEQ; nothing was changed", lines.N))
		}
		c.seqs = append(c.seqs, seq)
	}
}

// seqOf is the SEQ that a line names; 0 if none.
func seqOf(line []byte) uint64 {
	if seq, err := strconv.ParseUint(string(line), 10, 64); err == nil {
		return seq
	}
	var letter struct {
		Seq uint64 `json:"seq"`
	}
	if json.Unmarshal(line, &letter) != nil {
		return 0
	}
	return letter.Seq
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
		return each(ctx, reader, c.seqs)
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

// each yields the letters with these sequences, as letters does.
func each(ctx context.Context, reader *letters.Letters, seqs []uint64) iter.Seq2[deadletter.Letter, error] {
	return func(yield func(deadletter.Letter, error) bool) {
		for _, seq := range seqs {
			l, err := reader.Show(ctx, seq)
			if err != nil {
				l.Seq = seq
			}
			if !yield(l, err) || err != nil && !errors.Is(err, letters.ErrNoLetter) {
				return
			}
		}
	}
}
