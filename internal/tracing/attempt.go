package tracing

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pushworker/pushworker/pkg/push"
)

// mostRequests is how many requests of an attempt have spans of their own. An attempt may
// have thousands; it counts all of them.
const mostRequests = 100

// Attempt is the span of one attempt at a receipt. Its methods are safe for concurrent
// use, and do nothing if it is nil.
type Attempt struct {
	tracer   *Tracer
	ctx      context.Context //nolint:containedctx // carries the span, and nothing else
	span     trace.Span
	first    string
	requests atomic.Int64
}

var _ push.Tracer = (*Attempt)(nil)

// IDs are those of the trace and of the span, in hexadecimal digits.
func (a *Attempt) IDs() (traceID, spanID string) {
	if a == nil {
		return "", ""
	}
	sc := a.span.SpanContext()
	return sc.TraceID().String(), sc.SpanID().String()
}

// First is the first attempt that was traced, perhaps this one, for [Message.First] of
// those that follow.
func (a *Attempt) First() string {
	if a == nil {
		return ""
	}
	own, _ := headers(a.span.SpanContext())
	return cmp.Or(a.first, own)
}

// Context implements [push.Tracer].
func (a *Attempt) Context() (parent, state string) { return headers(a.span.SpanContext()) }

// Began says when the handler began to work on the receipt, if it says so.
func (a *Attempt) Began(at time.Time) {
	if a != nil && !at.IsZero() {
		a.span.AddEvent(eventBegan, trace.WithTimestamp(at))
	}
}

// Requested implements [push.Tracer]: the request becomes a span.
func (a *Attempt) Requested(q push.Request) {
	if a.requests.Add(1) > mostRequests {
		return
	}
	all := []attribute.KeyValue{keyProvider.String(q.Provider), keyClass.String(q.Class)}
	if q.Code != "" {
		all = append(all, keyCode.String(q.Code))
	}
	if q.Platform != "" {
		all = append(all, keyPlatform.String(q.Platform))
	}
	if q.Devices > 1 {
		all = append(all, keyDevices.Int(q.Devices))
	}
	if !q.Accepted {
		all = append(all, semconv.ErrorTypeKey.String(q.Class))
	}
	_, span := a.tracer.spans.Start(a.ctx, pushName+q.Provider,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(q.Asked), trace.WithAttributes(all...))
	if !q.Accepted {
		span.SetStatus(codes.Error, q.Code)
	}
	span.End(trace.WithTimestamp(q.Answered))
}

// StoresRetry begins the span of a retry that is stored, and StoresLetter that of a dead
// letter. The broker's answer ends it.
func (a *Attempt) StoresRetry() (stored func(error)) {
	if a == nil {
		return nothing
	}
	return a.stores(a.tracer.Retries)
}

// StoresLetter is StoresRetry for a dead letter.
func (a *Attempt) StoresLetter() (stored func(error)) {
	if a == nil {
		return nothing
	}
	return a.stores(a.tracer.Letters)
}

func nothing(error) {}

func (a *Attempt) stores(stream string) func(error) {
	_, span := a.tracer.spans.Start(a.ctx, sendName+stream, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		semconv.MessagingSystemKey.String(system),
		semconv.MessagingOperationName("send"),
		semconv.MessagingOperationTypeSend,
		semconv.MessagingDestinationName(stream),
	))
	return func(err error) {
		fail(span, err)
		span.End()
	}
}

// fail marks the span of what has failed, unless err is nil.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	span.SetAttributes(semconv.ErrorTypeKey.String(classOf(err)))
	span.SetStatus(codes.Error, err.Error())
}
