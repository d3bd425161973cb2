package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// spanCounts counts spans by their outcome.
type spanCounts struct {
	*prometheus.CounterVec

	exported, failed, dropped prometheus.Counter
}

func newSpanCounts() *spanCounts {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pushworker_trace_spans_total",
		Help: "Spans by outcome. failed: the collector did not take them. dropped: too many were waiting. Both are lost; no push waits for them.",
	}, []string{"result"})
	return &spanCounts{vec, vec.WithLabelValues("exported"), vec.WithLabelValues("failed"), vec.WithLabelValues("dropped")}
}

// spanQueue bounds how many spans wait to be exported. What is too much it drops and
// counts, as the SDK's own queue would without a word. Nobody who ends a span waits.
type spanQueue struct {
	sdktrace.SpanProcessor

	exporter *countingExporter
	most     int64
	waiting  atomic.Int64
}

func newSpanQueue(e *countingExporter, most int) *spanQueue {
	q := &spanQueue{exporter: e, most: int64(most)}
	e.took = func(n int) { q.waiting.Add(-int64(n)) }
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(e)
	return q
}

// OnEnd implements [sdktrace.SpanProcessor].
func (q *spanQueue) OnEnd(s sdktrace.ReadOnlySpan) {
	if q.waiting.Add(1) > q.most {
		q.waiting.Add(-1)
		q.exporter.counts.dropped.Inc()
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// abandon gives up what is still waiting when a stop has no more time for it.
func (q *spanQueue) abandon(ctx context.Context) {
	lost := q.waiting.Load()
	_ = q.exporter.Shutdown(ctx) // ends a request that hangs
	q.exporter.log.Warn().Int64("spans", lost).Msg("spans could not be exported before the worker stopped: check the collector")
}

// tellEvery is how often at most the log says that spans cannot be exported.
const tellEvery = time.Minute

// countingExporter counts what the collector takes, and tells when it takes nothing. The
// queue calls it from one goroutine.
type countingExporter struct {
	sdktrace.SpanExporter

	counts *spanCounts
	log    zerolog.Logger
	took   func(n int) // is told how many wait no more

	told   time.Time // when the log last said that it fails
	failed bool      // and has not said since that it works
	lost   int       // since then
}

// ExportSpans implements [sdktrace.SpanExporter].
func (e *countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	e.took(len(spans))
	if err == nil {
		e.counts.exported.Add(float64(len(spans)))
		if e.failed {
			e.log.Info().Msg("spans are exported again")
			e.failed = false
		}
		return nil
	}
	e.counts.failed.Add(float64(len(spans)))
	e.lost += len(spans)
	if time.Since(e.told) >= tellEvery {
		e.log.Warn().Err(err).Int("spans", e.lost).Msg("spans cannot be exported and are lost; pushes are sent all the same: check the collector and OTEL_EXPORTER_OTLP_ENDPOINT")
		e.told, e.failed, e.lost = time.Now(), true, 0
	}
	return nil
}
