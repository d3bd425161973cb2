package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/internal/tracing"
)

const (
	// leastFlush is what a stop leaves at least for the spans that are still here, and
	// mostFlush what a collector that does not answer may cost.
	leastFlush = 250 * time.Millisecond
	mostFlush  = 2 * time.Second
)

// traces has the lanes' spans exported as the standard variables say; with none of them
// set it does nothing. Nothing is registered for the whole process: libraries that know
// OpenTelemetry make no spans.
type traces struct {
	counts   *spanCounts
	provider *sdktrace.TracerProvider // nil if traces are off
	queue    *spanQueue
	sampling tracing.Sampling
	late     context.Context //nolint:containedctx // ends when a stop has used up its time
	cancel   context.CancelFunc
}

// openTraces connects nothing.
func (w Worker) openTraces(ctx context.Context) (*traces, error) {
	t := &traces{counts: newSpanCounts()}
	c := w.Config.Traces()
	if !c.On {
		return t, nil
	}
	about, err := describe(ctx, w.Version)
	if err != nil {
		return nil, fmt.Errorf("%w: check OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME: %w", ErrTraces, err)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: check the variables OTEL_EXPORTER_OTLP_…: %w", ErrTraces, err)
	}
	t.sampling = tracing.Sampling{ByParent: c.ByParent, Share: c.Share}
	t.late, t.cancel = sleep.Past(ctx, w.Config.ShutdownGrace+consumer.StoreMoment)
	queue := newSpanQueue(&countingExporter{SpanExporter: exporter, counts: t.counts, log: w.Log.With().Str("endpoint", c.Endpoint).Logger()}, c.QueueSize)
	t.queue = queue
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(queue), sdktrace.WithResource(about), sdktrace.WithIDGenerator(tracing.IDs{}))
	w.Log.Info().Str("endpoint", c.Endpoint).Str("sampler", c.Sampler).Msg("traces are exported")
	return t, nil
}

// ErrTraces says that the variables of traces are unusable. It is a configuration fault.
var ErrTraces = errors.New("traces cannot be configured")

// describe is what the spans say of this process. What the variables say wins.
func describe(ctx context.Context, version string) (*resource.Resource, error) {
	return resource.New(ctx,
		resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithAttributes(semconv.ServiceName(config.TracesService), semconv.ServiceVersion(version)),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv(),
	)
}

// tracer is what lanes make spans with; nil if traces are off.
func (t *traces) tracer(version string, topo topology.Topology) *tracing.Tracer {
	if t.provider == nil {
		return nil
	}
	return tracing.New(tracing.Options{
		Provider: t.provider, Version: version, Sampling: t.sampling, Retries: topo.RetryStream(), Letters: topo.DeadStream(),
	})
}

// closeBeside closes while other does something else.
func (t *traces) closeBeside(other func()) {
	var closing sync.WaitGroup
	closing.Go(t.close)
	other()
	closing.Wait()
}

// close exports the spans that are still here, until the grace of a stop and
// [consumer.StoreMoment] and leastFlush are over, and for mostFlush at most: it takes part in
// the one deadline of a stop (ADR 024). It may be called more than once.
func (t *traces) close() {
	if t.provider == nil {
		return
	}
	defer t.cancel()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.late), mostFlush)
	defer cancel()
	forget := context.AfterFunc(t.late, func() {
		if sleep.For(ctx, leastFlush) == nil {
			cancel()
		}
	})
	defer forget()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.queue.abandon(ctx)
	}
}
