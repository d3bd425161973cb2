package consumer

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/tracing"
)

// traced begins the span of d, if it is to have one.
func (d *delivery) traced() {
	t, o := d.lane.tracer, d.origin
	root, yes := t.Records(o.Header, o.Traced)
	if !yes {
		return
	}
	d.trace = t.Begin(&tracing.Message{
		Delivery: o.delivery(), Lane: d.lane.name, Stream: o.Stream, First: o.Traced,
		Size: len(d.data), Redriven: o.Redriven, Taken: d.taken,
	}, root)
}

// first is the first attempt that was traced, for those after this one.
func (d *delivery) first() string { return cmp.Or(d.trace.First(), d.origin.Traced) }

// traceIDs adds to a log line the trace that the receipt belongs to, if it is known, and the
// span of the attempt.
func (d *delivery) traceIDs(e *zerolog.Event) *zerolog.Event {
	trace, span := d.trace.IDs()
	if trace == "" {
		trace = tracing.TraceID(d.origin.Header)
	}
	if trace != "" {
		e = e.Str("trace_id", trace)
	}
	if span != "" {
		e = e.Str("span_id", span)
	}
	return e
}

// handled notes how long the receipt waited in the handler's channel and how long the
// handler worked on it. begun is zero when the handler does not say when it began; all of
// the time is then its work.
func (d *delivery) handled(begun, done time.Time) {
	d.trace.Began(begun)
	if begun.IsZero() {
		begun = d.taken
	}
	d.observe(d.lane.metrics.wait, begun.Sub(d.taken))
	d.observe(d.lane.metrics.handle, done.Sub(begun))
}

// observe adds to a histogram how long something took. The trace of the receipt, if it is
// recorded, is the exemplar.
func (d *delivery) observe(h prometheus.Observer, took time.Duration) {
	if d.trace != nil {
		if with, ok := h.(prometheus.ExemplarObserver); ok {
			trace, _ := d.trace.IDs()
			with.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": trace})
			return
		}
	}
	h.Observe(took.Seconds())
}
