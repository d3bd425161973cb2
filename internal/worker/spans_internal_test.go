package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pushworker/pushworker/internal/sleep"
)

// collector is an exporter that does what do says.
type collector struct {
	do func(ctx context.Context) error
}

func (c collector) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	return c.do(ctx)
}
func (collector) Shutdown(context.Context) error { return nil }

// through makes traces that go to e.
func through(ctx context.Context, e sdktrace.SpanExporter, lines *bytes.Buffer, most int, grace time.Duration) *traces {
	t := &traces{counts: newSpanCounts()}
	t.late, t.cancel = sleep.Past(ctx, grace)
	t.queue = newSpanQueue(&countingExporter{SpanExporter: e, counts: t.counts, log: zerolog.New(zerolog.SyncWriter(lines))}, most)
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(t.queue))
	return t
}

func (t *traces) make(n int) {
	for range n {
		_, span := t.provider.Tracer("").Start(context.Background(), "span")
		span.End()
	}
}

// TestCollectorDown: spans that nobody takes are lost and counted, the log says so once a
// minute, and that it is over.
func TestCollectorDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		down := errors.New("connection refused")
		w := through(t.Context(), collector{func(context.Context) error { return down }}, &lines, 2048, time.Minute)
		for range 60 {
			w.make(10)
			<-time.After(5 * time.Second)
		}
		synctest.Wait()
		if n := strings.Count(lines.String(), "spans cannot be exported"); n != 5 {
			t.Errorf("%d lines in five minutes, want 5:\n%s", n, &lines)
		}
		if failed := testutil.ToFloat64(w.counts.failed); failed < 580 {
			t.Errorf("%v spans are counted as lost", failed)
		}
		down = nil
		w.make(10)
		<-time.After(10 * time.Second)
		synctest.Wait()
		if n := strings.Count(lines.String(), "spans are exported again"); n != 1 || testutil.ToFloat64(w.counts.exported) < 10 {
			t.Errorf("%d lines that it is over; exported: %v", n, testutil.ToFloat64(w.counts.exported))
		}
		w.close()
		w.close()
	})
}

// TestCollectorHangs: whoever ends a span does not wait for a collector that hangs. What
// is too much is dropped and counted.
func TestCollectorHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		w := through(t.Context(), collector{func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, &lines, 100, time.Minute)
		began := time.Now()
		w.make(1000)
		if took := time.Since(began); took != 0 {
			t.Errorf("ending spans took %v", took)
		}
		if dropped := testutil.ToFloat64(w.counts.dropped); dropped != 900 {
			t.Errorf("%v spans are dropped, want 900", dropped)
		}
		w.close()
		if took := time.Since(began); took != mostFlush {
			t.Errorf("closing took %v, want %v", took, mostFlush)
		}
		<-time.After(time.Minute) // the export that nobody waits for ends
		synctest.Wait()
		if !strings.Contains(lines.String(), `"spans":100,"message":"spans could not be exported before the worker stopped`) {
			t.Errorf("the log says:\n%s", &lines)
		}
	})
}

// TestStopWaitsForSpans: within the time of a stop, and a moment longer when that is over.
func TestStopWaitsForSpans(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ grace, since, want time.Duration }{
		"in the grace":         {time.Minute, 0, mostFlush},
		"near its end":         {time.Minute, 59 * time.Second, time.Second + leastFlush},
		"after it":             {time.Minute, 2 * time.Minute, leastFlush},
		"a grace of no length": {0, 0, leastFlush},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				w := through(ctx, collector{func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, &bytes.Buffer{}, 100, test.grace)
				stop()
				_ = sleep.For(context.Background(), test.since)
				w.make(1)
				synctest.Wait()
				began := time.Now()
				w.closeBeside(func() {})
				if took := time.Since(began); took != test.want {
					t.Errorf("closing took %v, want %v", took, test.want)
				}
				<-time.After(time.Minute)
			})
		})
	}
}

// TestStopCallsOffTheExport: a request that hangs in a real connection ends with the stop.
func TestStopCallsOffTheExport(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client is gone
		<-r.Context().Done()
		close(gone)
	}))
	defer server.Close()
	e, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(server.URL+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	w := through(ctx, e, &bytes.Buffer{}, 100, 0)
	w.make(1)
	stop()
	w.close()
	<-gone
}
