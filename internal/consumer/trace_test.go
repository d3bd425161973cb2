package consumer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/tracing"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	publisherTrace = "0af7651916cd43dd8448eb211c80319c"
	recorded       = "00-" + publisherTrace + "-b7ad6b7169203331-01"
	unrecorded     = "00-" + publisherTrace + "-b7ad6b7169203331-00"
)

// tracedBy has a lane make spans, which it returns.
func tracedBy() (*tracetest.InMemoryExporter, func(*consumer.Config)) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	return spans, func(c *consumer.Config) {
		c.Tracer = tracing.New(tracing.Options{Provider: provider, Sampling: tracing.Sampling{ByParent: true, Share: 1}, Retries: "PUSH_RETRY", Letters: "PUSH_DEAD"})
	}
}

// TestTraceOfARetry: all attempts are in the publisher's trace, and those after the first
// have a link to it.
func TestTraceOfARetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans, traced := tracedBy()
		tries := 0
		h := handler(t, 4, 1, func(_ context.Context, r *push.Receipt) error {
			if r.Tracer() == nil {
				t.Error("the handler gets no tracer")
			}
			if tries++; tries == 1 {
				return errors.New("out of luck")
			}
			return nil
		})
		r := start(t, h, traced)
		r.fresh.add(receipt(1, 1), consumer.Origin{Header: map[string][]string{"TraceParent": {recorded}}}, 0)
		r.settled(time.Minute)
		if err := r.end(); err != nil {
			t.Error(err)
		}
		got := spans.GetSpans()
		if names := namesOf(got); cmp.Diff([]string{"send PUSH_RETRY", "process PUSH", "process PUSH_RETRY"}, names) != "" {
			t.Fatalf("spans: %v", names)
		}
		first, second := got[1], got[2]
		if len(second.Links) != 1 || second.Links[0].SpanContext.SpanID() != first.SpanContext.SpanID() {
			t.Errorf("the second attempt has links %v, want one to %s", second.Links, first.SpanContext.SpanID())
		}
		for _, s := range got {
			if id := s.SpanContext.TraceID().String(); id != publisherTrace {
				t.Errorf("%s is in the trace %s", s.Name, id)
			}
		}
	})
}

// TestTraceOfALetter: a dead letter says which attempt was traced first, so that a redrive
// goes on with its trace also if the publisher sent none.
func TestTraceOfALetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans, traced := tracedBy()
		refuse := true
		h := handler(t, 4, 1, func(context.Context, *push.Receipt) error {
			if refuse {
				return push.Permanent(errors.New("no such app"))
			}
			return nil
		})
		r := start(t, h, traced)
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.settled(time.Minute)
		letters := r.stores.buried()
		if len(letters) != 1 || letters[0].Traced == "" {
			t.Fatalf("letters: %+v", letters)
		}
		refuse = false
		r.retries.add(receipt(1, 1), consumer.Origin{Traced: letters[0].Traced, Redriven: 1}, 0)
		r.settled(time.Minute)
		if err := r.end(); err != nil {
			t.Error(err)
		}
		got := spans.GetSpans()
		if names := namesOf(got); cmp.Diff([]string{"send PUSH_DEAD", "process PUSH", "process PUSH_RETRY"}, names) != "" {
			t.Fatalf("spans: %v", names)
		}
		if got[1].SpanContext.TraceID() != got[2].SpanContext.TraceID() || len(got[2].Links) != 1 {
			t.Errorf("the redriven receipt is in the trace %s with %d links, want that of the letter, %s, and one", got[2].SpanContext.TraceID(), len(got[2].Links), got[1].SpanContext.TraceID())
		}
	})
}

// TestUnrecordedTrace: a receipt whose publisher does not record its trace has no span, no
// tracer and no exemplar. Its log lines have the trace all the same.
func TestUnrecordedTrace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		parent string
		want   bool
	}{"recorded": {recorded, true}, "unrecorded": {unrecorded, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var lines bytes.Buffer
				spans, traced := tracedBy()
				h := handler(t, 4, 1, func(_ context.Context, r *push.Receipt) error {
					if (r.Tracer() != nil) != test.want {
						t.Errorf("tracer: %v", r.Tracer())
					}
					if parent, _ := r.Trace(); (parent == test.parent) == test.want {
						t.Errorf("requests go on with %q", parent)
					}
					return push.Permanent(errors.New("no such app"))
				})
				r := start(t, h, traced, func(c *consumer.Config) { c.Log = zerolog.New(&lines) })
				r.fresh.add(receipt(1, 1), consumer.Origin{Header: map[string][]string{"traceparent": {test.parent}}}, 0)
				r.settled(time.Minute)
				if err := r.end(); err != nil {
					t.Error(err)
				}
				if got := len(spans.GetSpans()) > 0; got != test.want {
					t.Errorf("spans: %v", namesOf(spans.GetSpans()))
				}
				line := lineWith(t, &lines, "bury")
				if line["trace_id"] != publisherTrace || (line["span_id"] != nil) != test.want {
					t.Errorf("the log says %v", line)
				}
				for _, metric := range []string{"receipt_age_seconds", "handle_duration_seconds", "handle_wait_seconds"} {
					if got := exemplar(t, r.reg, metric); (got == publisherTrace) != test.want {
						t.Errorf("exemplar of %s: %q", metric, got)
					}
				}
			})
		})
	}
}

func namesOf(spans tracetest.SpanStubs) (names []string) {
	for _, s := range spans {
		names = append(names, s.Name)
	}
	return names
}

// lineWith is the log line whose message is text.
func lineWith(t *testing.T, lines *bytes.Buffer, text string) map[string]any {
	t.Helper()
	for line := range bytes.Lines(lines.Bytes()) {
		var said map[string]any
		if err := json.Unmarshal(line, &said); err != nil {
			t.Fatal(err)
		}
		if said["message"] == text {
			return said
		}
	}
	t.Fatalf("no line %q in %s", text, lines)
	return nil
}

// exemplar is the trace of a histogram's exemplar; empty if it has none.
func exemplar(t *testing.T, reg *prometheus.Registry, name string) (trace string) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "pushworker_"+name {
			continue
		}
		for _, bucket := range family.GetMetric()[0].GetHistogram().GetBucket() {
			for _, label := range bucket.GetExemplar().GetLabel() {
				trace = label.GetValue()
			}
		}
	}
	return trace
}
