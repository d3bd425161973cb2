package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/pushworker/pushworker/pkg/push"
)

// Lines writes receipts as JSON Lines, each with its own bytes; only line breaks
// between values are left out.
type Lines struct {
	out    *bufio.Writer
	sync   func() error
	render func(Stored, *push.Receipt) ([]byte, error)
	size   int64
	sent   atomic.Int64
}

var _ Sink = (*Lines)(nil)

// NewLines writes to w, where offset bytes have been written before. Sync, which may
// be nil, brings to the disk what was written.
func NewLines(w io.Writer, offset int64, sync func() error) *Lines {
	return NewText(w, offset, sync, func(s Stored, _ *push.Receipt) ([]byte, error) { return JSONLine(s.Data) })
}

// NewText is NewLines with lines of another form, which render makes.
func NewText(w io.Writer, offset int64, sync func() error, render func(Stored, *push.Receipt) ([]byte, error)) *Lines {
	return &Lines{out: bufio.NewWriterSize(w, 256<<10), sync: sync, render: render, size: offset}
}

// JSONLine is a JSON text without line breaks.
func JSONLine(text []byte) ([]byte, error) {
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return text, nil
	}
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return nil, fmt.Errorf("making one line of it: %w", err)
	}
	return line.Bytes(), nil
}

// Take implements [Sink].
func (l *Lines) Take(_ context.Context, s Stored, r *push.Receipt) error {
	line, err := l.render(s, r)
	if err != nil {
		return fmt.Errorf("writing receipt %d: %w", s.Seq, err)
	}
	n, err := l.out.Write(line)
	if err == nil {
		err = l.out.WriteByte('\n')
	}
	if err != nil {
		return fmt.Errorf("writing receipt %d: %w", s.Seq, err)
	}
	l.size += int64(n) + 1
	l.sent.Add(1)
	return nil
}

// Flush implements [Sink].
func (l *Lines) Flush() error {
	if err := l.out.Flush(); err != nil {
		return fmt.Errorf("writing receipts: %w", err)
	}
	return nil
}

// Position implements [Sink].
func (l *Lines) Position(next uint64, t *Tally) (Position, error) {
	l.Count(t)
	err := l.Flush()
	if err == nil && l.sync != nil {
		err = l.sync()
	}
	return Position{Next: next, Offset: l.size}, err
}

// Finish implements [Sink].
func (l *Lines) Finish(context.Context) error { return l.Flush() }

// Count implements [Sink].
func (l *Lines) Count(t *Tally) { t.Sent += l.sent.Load() }
