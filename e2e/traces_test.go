package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/otlptest"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

var updateTraces = flag.Bool("update-traces", false, "write the tree of docs/traces.md, as make traces-docs does")

// tracesPage has the tree of a receipt that is retried once and then delivered.
const tracesPage = "../docs/traces.md"

// chatServer is a publisher that has traces of its own.
type chatServer struct {
	w        *fcmWorld
	provider *sdk.TracerProvider
}

func newChatServer(w *fcmWorld, c *otlptest.Collector, sampler sdk.Sampler) *chatServer {
	w.Helper()
	exporter, err := otlptracehttp.New(w.Context(), otlptracehttp.WithEndpointURL(c.URL()+"/v1/traces"))
	if err != nil {
		w.Fatal(err)
	}
	about := resource.NewSchemaless(semconv.ServiceName("chat server"))
	return &chatServer{w, sdk.NewTracerProvider(sdk.WithSyncer(exporter), sdk.WithSampler(sampler), sdk.WithResource(about))}
}

// publish publishes r in a trace of its own, as docs/traces.md has it, and returns the trace.
func (s *chatServer) publish(r *push.Receipt) string {
	s.w.Helper()
	pub, err := s.w.conn.Publisher(publisher.Config{Trace: func(ctx context.Context) map[string]string {
		c := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(ctx, c)
		return c
	}})
	if err != nil {
		s.w.Fatal(err)
	}
	ctx, span := s.provider.Tracer("chat").Start(s.w.Context(), "send push.receipts", trace.WithSpanKind(trace.SpanKindProducer))
	_, err = pub.Publish(ctx, r)
	span.End()
	if err != nil {
		s.w.Fatal(err)
	}
	s.w.ledger.Acked(r.Payload.SeqId)
	if err := pub.Close(s.w.Context()); err != nil {
		s.w.Error(err)
	}
	return span.SpanContext().TraceID().String()
}

// exporting is what a worker needs to export spans to c.
func exporting(c *otlptest.Collector) []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL(), "OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_EXPORTER_OTLP_HEADERS=api-key=s%20ecret", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test"}
}

// TestTraceOfARetry: one receipt, two devices, of which one is refused at first. All is one
// trace, and the page shows it.
func TestTraceOfARetry(t *testing.T) {
	t.Parallel()
	collector := otlptest.New(t)
	w := newFCMWorld(t, "")
	w.crowd(2)
	w.script(`{"token":"token-0002","nth":"1","answer":"internal"}`)
	w.worker(exporting(collector)...)
	chat := newChatServer(w, collector, sdk.AlwaysSample())
	id := chat.publish(w.message(userOf(1), userOf(2)))
	w.arrived(2)
	const whole = 7
	await(t, patience, "the trace is exported", func() bool { return len(collector.Spans(id)) >= whole })
	spans := collector.Spans(id)
	checkSpans(t, spans, whole)
	if h := collector.Headers(); !slices.ContainsFunc(h, func(h http.Header) bool { return h.Get("Api-Key") == "s ecret" }) {
		t.Errorf("the collector gets no key: %v", h)
	}
	checkPage(t, otlptest.Tree(inOrder(spans), line))
}

// checkSpans wants what holds for all spans of a worker, and the link of the second attempt.
func checkSpans(t *testing.T, spans []otlptest.Span, n int) {
	t.Helper()
	if len(spans) != n {
		t.Errorf("%d spans, want %d", len(spans), n)
	}
	var first otlptest.Span
	for _, s := range spans {
		text := fmt.Sprint(s.Attributes, s.Resource, s.Events, s.Status)
		for _, secret := range []string{"token-0", "hello", "usr", userOf(1).String()} {
			if strings.Contains(text, secret) {
				t.Errorf("%s says %q: %s", s.Name, secret, text)
			}
		}
		if s.Resource["service.name"] == "pushworker" && (s.Resource["deployment.environment.name"] != "test" || !strings.HasSuffix(s.Schema, "/1.43.0")) {
			t.Errorf("%s: resource %v, schema %q", s.Name, s.Resource, s.Schema)
		}
		switch s.Name {
		case "process PUSH":
			first = s
		case "process PUSH_RETRY":
			if diff := cmp.Diff([]string{first.ID}, s.Links); diff != "" {
				t.Errorf("links of the second attempt (-first +got):\n%s", diff)
			}
		}
	}
}

// inOrder puts requests that began at the same moment into the order of their text.
func inOrder(spans []otlptest.Span) []otlptest.Span {
	for i := 0; i < len(spans); {
		j := i + 1
		for j < len(spans) && spans[j].Parent == spans[i].Parent && spans[j].Name == spans[i].Name {
			j++
		}
		slices.SortFunc(spans[i:j], func(a, b otlptest.Span) int { return strings.Compare(line(a), line(b)) })
		i = j
	}
	return spans
}

// line is what the page says of a span.
func line(s otlptest.Span) string {
	about := []string{s.Kind}
	for _, key := range []string{
		"pushworker.attempt", "pushworker.device.platform", "pushworker.answer.class", "pushworker.verdict", "pushworker.targets.accepted", "pushworker.targets.retried",
	} {
		if v := s.Attributes[key]; v != "" {
			about = append(about, strings.TrimPrefix(key, "pushworker.")+"="+v)
		}
	}
	if s.Failed {
		about = append(about, "error.type="+s.Attributes["error.type"])
	}
	if len(s.Links) > 0 {
		about = append(about, "link to the first attempt")
	}
	text := fmt.Sprintf("%s: %s  [%s]", s.Resource["service.name"], s.Name, strings.Join(about, ", "))
	if len(s.Events) > 0 {
		text += "\n· " + strings.Join(s.Events, ", ")
	}
	return text
}

// checkPage holds the page against the tree, or writes it.
func checkPage(t *testing.T, tree string) {
	t.Helper()
	page, err := os.ReadFile(tracesPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- made by make traces-docs -->\n```text\n", "```\n<!-- end -->"
	before, rest, found := strings.Cut(string(page), begin)
	have, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no tree between %q and %q", tracesPage, begin, end)
	}
	if *updateTraces {
		if err := os.WriteFile(tracesPage, []byte(before+begin+tree+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(have, tree); diff != "" {
		t.Errorf("%s is not what a worker exports; run make traces-docs (-page +worker):\n%s", tracesPage, diff)
	}
}

// TestUnsampledTrace: what its publisher does not record, nobody exports.
func TestUnsampledTrace(t *testing.T) {
	t.Parallel()
	collector := otlptest.New(t)
	w := newFCMWorld(t, "")
	w.crowd(1)
	p := w.worker(exporting(collector)...)
	newChatServer(w, collector, sdk.NeverSample()).publish(w.message(userOf(1)))
	w.arrived(1)
	id := newChatServer(w, collector, sdk.AlwaysSample()).publish(w.message(userOf(1)))
	w.arrived(2)
	await(t, patience, "the second trace is exported", func() bool { return len(collector.Spans(id)) >= 3 })
	p.terminate()
	if code := p.exit(); code != 0 {
		t.Errorf("the worker ends with %d", code)
	}
	if all, second := collector.Spans(""), collector.Spans(id); len(all) != len(second) {
		t.Errorf("%d spans are exported, of which %d are of the trace that is recorded", len(all), len(second))
	}
}

// TestCollectorDown: with a collector that hangs, and one that is not there, pushes arrive
// and the worker stops at once.
func TestCollectorDown(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client is gone
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		close(over)
		hangs.Close()
	})
	for name, endpoint := range map[string]string{"hangs": hangs.URL, "is not there": "http://" + address.For(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 200
			w := newFCMWorld(t, "")
			w.crowd(1)
			p := w.worker("OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_BSP_SCHEDULE_DELAY=10", "OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=50")
			for range n {
				w.publish(w.message(userOf(1)))
			}
			w.arrived(n)
			lost := func() float64 {
				return metric(t, p, `pushworker_trace_spans_total{result="dropped"}`) + metric(t, p, `pushworker_trace_spans_total{result="failed"}`)
			}
			await(t, patience, "what is lost is counted", func() bool { return lost() >= n })
			p.terminate()
			if code := p.exit(); code != 0 { // how soon is in internal/worker, by a clock that nothing slows down
				t.Errorf("the worker ends with %d:\n%s", code, p.log())
			}
			if said := strings.Count(p.log(), "spans cannot be exported"); name == "is not there" && said != 1 {
				t.Errorf("the log says %d times that spans are lost, want once", said)
			}
		})
	}
}
