package publish

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/jsonl"
	"github.com/pushworker/pushworker/pkg/push"
)

// maxUnchecked bounds a receipt that is not to be validated; no broker takes more.
const maxUnchecked = 64 << 20

// receipts yields what is in an input, each receipt checked.
func (p *publishing) receipts(name string) iter.Seq[pending] {
	return func(yield func(pending) bool) {
		in, name, err := p.Open(name, "receipts")
		if err != nil {
			yield(faulty(name, err.Error()))
			return
		}
		defer func() { _ = in.Close() }() // only read
		limit := maxUnchecked
		if p.validate {
			limit = p.limits.MaxBytes
		}
		reader := jsonl.NewReader(in, limit)
		for r, ok := p.next(reader, name); ok && yield(r); r, ok = p.next(reader, name) {
		}
	}
}

// next reads and checks the next receipt; ok is false when there is none.
func (p *publishing) next(reader *jsonl.Reader, name string) (r pending, ok bool) {
	piece, err := reader.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, terminal.ErrInterrupted):
		return pending{}, false
	case err != nil:
		return faulty(fmt.Sprintf("%s:%d", name, piece.Line), err.Error()), true
	}
	return p.check(name, piece), true
}

// check validates a receipt and finds its dedup id.
func (p *publishing) check(name string, piece jsonl.Document) pending {
	where := fmt.Sprintf("%s:%d", name, piece.Line)
	r := pending{result: &result{where: where}, data: piece.Data}
	decoded, bad, err := push.Decode(piece.Data, p.limits)
	if malformed, ok := errors.AsType[*push.MalformedError](err); ok && p.validate {
		line := piece.Line + bytes.Count(piece.Data[:min(malformed.Offset, len(piece.Data))], []byte("\n"))
		return faulty(fmt.Sprintf("%s:%d", name, line), err.Error())
	}
	if p.validate {
		for _, b := range bad {
			r.faults = append(r.faults, fmt.Sprintf("recipient %q: %s", b.Key, b.Err))
		}
		if err == nil && len(bad) == 0 && len(decoded.To) == 0 && decoded.Channel == "" && decoded.Payload.What == "" {
			r.faults = append(r.faults, `names no recipient, no channel and nothing to tell: give it "to" or "channel", and "payload" with "what"`)
		}
	}
	r.id = rand.Text() // holds over the tries of this run: who publishes a receipt twice means it
	if p.idPath != nil {
		r.id, err = p.idPath.find(piece.Data)
		if err != nil {
			r.faults = append(r.faults, "dedup id: "+err.Error())
		}
	}
	if r.faults != nil {
		return faulty(where, r.faults...)
	}
	return r
}

// faulty is the final result of what is not to be published.
func faulty(where string, faults ...string) pending {
	done := make(chan struct{})
	close(done)
	return pending{result: &result{where: where, faults: faults, done: done}}
}
