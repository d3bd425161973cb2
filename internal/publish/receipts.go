package publish

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/pushworker/pushworker/internal/jsonl"
	"github.com/pushworker/pushworker/pkg/push"
)

// maxUnchecked bounds a receipt that is not to be validated; no broker takes more.
const maxUnchecked = 64 << 20

// pending is a receipt on its way, with its result.
type pending struct {
	*Result

	data []byte
	id   string
}

// receipts yields what is in an input, each receipt checked.
func (p *Publishing) receipts(ctx context.Context, name string) iter.Seq[pending] {
	return func(yield func(pending) bool) {
		in, name, err := p.Open(name)
		if err != nil {
			yield(faulty(name, err.Error()))
			return
		}
		defer func() { _ = in.Close() }() // only read
		limit := p.Limits.MaxBytes
		if p.Unchecked {
			limit = maxUnchecked
		}
		reader := jsonl.NewReader(in, limit)
		for r, ok := p.next(ctx, reader, name); ok && yield(r); r, ok = p.next(ctx, reader, name) {
		}
	}
}

// next reads and checks the next receipt; ok is false when there is none.
func (p *Publishing) next(ctx context.Context, reader *jsonl.Reader, name string) (r pending, ok bool) {
	piece, err := reader.Next()
	switch {
	case errors.Is(err, io.EOF), ctx.Err() != nil: // which ends the reading, too
		return pending{}, false
	case errors.Is(err, context.Canceled): // ctx ends a moment later
		done := make(chan struct{})
		close(done)
		return pending{Result: &Result{Err: err, done: done}}, true
	case err != nil:
		return faulty(fmt.Sprintf("%s:%d", name, piece.Line), err.Error()), true
	}
	return p.check(name, piece), true
}

// check validates a receipt and finds its dedup id.
func (p *Publishing) check(name string, piece jsonl.Document) pending {
	where := fmt.Sprintf("%s:%d", name, piece.Line)
	decoded, bad, err := push.Decode(piece.Data, p.Limits)
	if malformed, ok := errors.AsType[*push.MalformedError](err); ok && !p.Unchecked {
		line := piece.Line + bytes.Count(piece.Data[:min(malformed.Offset, len(piece.Data))], []byte("\n"))
		return faulty(fmt.Sprintf("%s:%d", name, line), err.Error())
	}
	var faults []string
	if !p.Unchecked {
		for _, b := range bad {
			faults = append(faults, fmt.Sprintf("recipient %q: %s", b.Key, b.Err))
		}
		if err == nil && len(bad) == 0 && len(decoded.To) == 0 && decoded.Channel == "" && decoded.Payload.What == "" {
			faults = append(faults, `names no recipient, no channel and nothing to tell: give it "to" or "channel", and "payload" with "what"`)
		}
	}
	id := rand.Text() // holds over the tries of this run: who publishes a receipt twice means it
	if p.ID != nil {
		if id, err = p.ID(piece.Data); err != nil {
			faults = append(faults, "dedup id: "+err.Error())
		}
	}
	if faults != nil {
		return faulty(where, faults...)
	}
	return pending{&Result{Where: where, done: make(chan struct{})}, piece.Data, id}
}

// faulty is the final result of what is not to be published.
func faulty(where string, faults ...string) pending {
	done := make(chan struct{})
	close(done)
	return pending{Result: &Result{Where: where, Faults: faults, done: done}}
}
