package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pushworker/pushworker/pkg/push"
)

// Options say what a [Tracer] is made of.
type Options struct {
	Provider trace.TracerProvider
	// Version is the program's.
	Version string
	// Sampling is what the provider's sampler does; a provider with a share has [IDs].
	Sampling Sampling
	// Retries and Letters are the names of the streams that a lane stores to.
	Retries, Letters string
}

// Tracer begins the spans of lanes. A nil one traces nothing.
type Tracer struct {
	Options

	sampler sampler
	spans   trace.Tracer
}

// New makes a tracer.
func New(o Options) *Tracer {
	const scope = "github.com/pushworker/pushworker"
	return &Tracer{o, o.Sampling.sampler(), o.Provider.Tracer(scope, trace.WithInstrumentationVersion(o.Version), trace.WithSchemaURL(SchemaURL))}
}

// Message is what is known of a receipt that a lane has taken.
type Message struct {
	// Delivery is what the handler learns, with the publisher's headers.
	push.Delivery

	// Lane is the handler's name, and Stream where the lane has taken it from.
	Lane, Stream string
	// First is the first attempt that was traced, as [Attempt.First] gave it; empty for the
	// first.
	First string
	// Size is that of the receipt in bytes, and Redriven how often it has come back from the
	// dead letters.
	Size, Redriven int
	Taken          time.Time
}

// Records decides whether an attempt at a receipt with these headers is recorded; first is
// [Message.First]. It is cheap: most receipts are not.
func (t *Tracer) Records(header map[string][]string, first string) (root trace.TraceID, yes bool) {
	if t == nil {
		return root, false
	}
	c := glanceAt(carrier(header).Get(parentHeader))
	if !c.valid {
		c = glanceAt(first)
	}
	return t.sampler.records(c)
}

// Begin begins the span of an attempt at m; nil when that is not recorded. The span is a
// child of the publisher's, or else of the first attempt's. A trace that begins with it has the
// number root, unless that is zero.
func (t *Tracer) Begin(m *Message, root trace.TraceID) *Attempt {
	ctx, first := rootless(), remote(m.First, "")
	sc := remote(carrier(m.Header).Get(parentHeader), carrier(m.Header).Get(stateHeader))
	if !sc.IsValid() {
		sc = first
	}
	switch {
	case sc.IsValid():
		ctx = trace.ContextWithRemoteSpanContext(ctx, sc)
	case root.IsValid():
		ctx = context.WithValue(ctx, rootKey{}, root)
	}
	ctx, span := t.spans.Start(ctx, processName+m.Stream, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(m.Taken))
	if !span.IsRecording() {
		return nil
	}
	span.SetAttributes(consumed(m)...)
	if first.IsValid() {
		span.AddLink(trace.Link{SpanContext: first, Attributes: []attribute.KeyValue{keyLink.String(linkFirst)}})
	}
	return &Attempt{tracer: t, ctx: ctx, span: span, first: m.First}
}

// consumed are the attributes of an attempt that are known at its begin.
func consumed(m *Message) []attribute.KeyValue {
	all := []attribute.KeyValue{
		semconv.MessagingSystemKey.String(system),
		semconv.MessagingOperationName("process"),
		semconv.MessagingOperationTypeProcess,
		semconv.MessagingDestinationName(m.Stream),
		semconv.MessagingConsumerGroupName(m.Lane),
		semconv.MessagingMessageID(m.ID()),
		semconv.MessagingMessageBodySize(m.Size),
		keyHandler.String(m.Lane),
		keySeq.Int64(int64(m.Seq)), //nolint:gosec // a stream's sequence has 63 bits
		keyAttempt.Int(m.Attempt),
	}
	if m.Redriven > 0 {
		all = append(all, keyRedriven.Int(m.Redriven))
	}
	return all
}
