package tracing

import (
	"context"
	"encoding/binary"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The headers of W3C Trace Context.
const (
	parentHeader = "traceparent"
	stateHeader  = "tracestate"
)

// length is that of a value of traceparent in the form of version 00.
const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")

// carrier reads the headers of a receipt, whose names may be in any letter case. It is to be
// read only.
type carrier map[string][]string

// Get implements [propagation.TextMapCarrier].
func (c carrier) Get(key string) string {
	if values := c[key]; len(values) > 0 {
		return values[0]
	}
	for name, values := range c {
		if len(values) > 0 && strings.EqualFold(name, key) {
			return values[0]
		}
	}
	return ""
}

// Set implements [propagation.TextMapCarrier]; nothing is injected here.
func (carrier) Set(string, string) {}

// Keys implements [propagation.TextMapCarrier].
func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for name := range c {
		keys = append(keys, name)
	}
	return keys
}

// remote is the context that the value of a header traceparent says; invalid if it is not one.
func remote(parent, state string) trace.SpanContext {
	if parent == "" {
		return trace.SpanContext{}
	}
	c := carrier{parentHeader: {parent}, stateHeader: {state}}
	ctx := propagation.TraceContext{}.Extract(rootless(), c)
	return trace.SpanContextFromContext(ctx)
}

// headers are the values of the two headers for sc.
func headers(sc trace.SpanContext) (parent, state string) {
	const version = "00-"
	return version + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + sc.TraceFlags().String(), sc.TraceState().String()
}

// TraceID is the trace that the header traceparent among those of a receipt names; empty
// when there is none that is valid.
func TraceID(header map[string][]string) string {
	const before = len("00-")
	parent := carrier(header).Get(parentHeader)
	if len(parent) < length {
		return ""
	}
	id, err := trace.TraceIDFromHex(parent[before : before+2*len(trace.TraceID{})])
	if err != nil {
		return ""
	}
	return id.String()
}

// glance is what of a trace context decides whether a receipt is recorded.
type glance struct {
	valid, sampled bool
	number         uint64 // the lower half of the trace's
}

// glanceAt reads a value of traceparent. It is asked of every receipt and allocates nothing for
// the form that all publishers of today send; the others it leaves to [remote].
func glanceAt(parent string) glance {
	if len(parent) == 0 {
		return glance{}
	}
	if g, ok := plain(parent); ok {
		return g
	}
	sc := remote(parent, "")
	id := sc.TraceID()
	return glance{sc.IsValid(), sc.IsSampled(), binary.BigEndian.Uint64(id[8:])}
}

// plain reads what is valid in the form of version 00: numbers that are not 0, and flags of
// which only sampled and random are set.
func plain(parent string) (g glance, ok bool) {
	if len(parent) != length || parent[:3] != "00-" || parent[35] != '-' || parent[52:54] != "-0" {
		return g, false
	}
	flags := parent[54] - '0'
	id, idErr := trace.TraceIDFromHex(parent[3:35])
	_, spanErr := trace.SpanIDFromHex(parent[36:52])
	if flags > 3 || idErr != nil || spanErr != nil {
		return g, false
	}
	return glance{true, flags&1 == 1, binary.BigEndian.Uint64(id[8:])}, true
}

// rootless is a context without anything: spans are told their parents, and no deadline
// of anybody's ends them.
func rootless() context.Context {
	return context.Background() //nolint:forbidigo // see above
}
