package tracing

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// Sampling says which receipts have spans, as the sampler of the provider does. It is asked
// before there is a span: the SDK makes one to decide, which costs a receipt that is not
// recorded half a microsecond and six allocations. What it lets through the SDK decides once
// more, with the same outcome.
type Sampling struct {
	// ByParent says that the publisher decides, if the receipt has a trace.
	ByParent bool
	// Share is that of the other traces which are recorded, 0 to 1, chosen by their number as
	// the SDK's TraceIDRatioBased does.
	Share float64
}

// sampler is a [Sampling] in the form in which it decides.
type sampler struct {
	byParent, all bool
	bound         uint64 // of the 63 bits of a trace's number that decide
}

func (s Sampling) sampler() sampler {
	const numbers = 1 << 63
	share := min(max(s.Share, 0), 1)
	if share == 1 {
		return sampler{byParent: s.ByParent, all: true}
	}
	return sampler{byParent: s.ByParent, bound: uint64(share * numbers)}
}

// records decides on a receipt whose context is c, and allocates nothing. A trace that is to
// begin here, and of which not all are recorded, gets its number now.
func (s sampler) records(c glance) (root trace.TraceID, yes bool) {
	switch {
	case c.valid && s.byParent:
		return root, c.sampled
	case c.valid:
		return root, s.takes(c.number)
	case s.all || s.bound == 0:
		return root, s.all
	}
	root = newTraceID()
	return root, s.takes(binary.BigEndian.Uint64(root[8:]))
}

// takes decides by the lower half of the trace's number.
func (s sampler) takes(number uint64) bool { return s.all || number>>1 < s.bound }

// rootKey is the key of the number of a trace that is to begin.
type rootKey struct{}

// IDs draws the numbers of traces and spans for the SDK. A trace on which [Tracer.Begin] has
// decided keeps the number that it was decided by; without IDs the SDK would draw another, and
// record the share of a share.
type IDs struct{}

// NewIDs implements the IDGenerator of the SDK.
func (i IDs) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	id, decided := ctx.Value(rootKey{}).(trace.TraceID)
	if !decided {
		id = newTraceID()
	}
	return id, i.NewSpanID(ctx, id)
}

// NewSpanID implements the IDGenerator of the SDK.
func (IDs) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64()) //nolint:gosec // a span's number is no secret
	}
	return id
}

func newTraceID() (id trace.TraceID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // a trace's number is no secret
		binary.BigEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // a trace's number is no secret
	}
	return id
}
