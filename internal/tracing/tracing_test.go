package tracing_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/pushworker/pushworker/internal/tracing"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	sampled = "00-" + traceID + "-b7ad6b7169203331-01"
)

// newTracer makes a tracer and what takes its spans.
func newTracer() (*tracing.Tracer, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	return tracing.New(tracing.Options{Provider: provider, Sampling: tracing.Sampling{ByParent: true, Share: 1}, Retries: "PUSH_RETRY", Letters: "PUSH_DEAD"}), spans
}

// begin begins a span for m, as a lane does.
func begin(t *tracing.Tracer, m *tracing.Message) *tracing.Attempt {
	root, yes := t.Records(m.Header, m.First)
	if !yes {
		return nil
	}
	return t.Begin(m, root)
}

func message(header map[string][]string, first string) *tracing.Message {
	return &tracing.Message{
		Delivery: push.Delivery{Stream: "PUSH", Seq: 7, Published: time.Unix(1, 0), Attempt: 1, Header: header},
		Lane:     "fcm", Stream: "PUSH", First: first, Size: 100, Taken: time.Unix(2, 0),
	}
}

// TestParent: an attempt is a child of what the publisher says in headers of any letter
// case, and what is no context is none.
func TestParent(t *testing.T) {
	t.Parallel()
	const first = "00-" + traceID + "-00f067aa0ba902b7-01"
	for name, test := range map[string]struct {
		header        map[string][]string
		first         string
		trace, parent string // empty for a root of its own
		state         string
	}{
		"as W3C has it":        {header: map[string][]string{"traceparent": {sampled}, "tracestate": {"a=b"}}, trace: traceID, parent: "b7ad6b7169203331", state: "a=b"},
		"as net/http has it":   {header: map[string][]string{"Traceparent": {sampled}, "Tracestate": {"a=b"}}, trace: traceID, parent: "b7ad6b7169203331", state: "a=b"},
		"shouted":              {header: map[string][]string{"TRACEPARENT": {sampled}}, trace: traceID, parent: "b7ad6b7169203331"},
		"mixed":                {header: map[string][]string{"X": {"1"}, "traceParent": {sampled}}, trace: traceID, parent: "b7ad6b7169203331"},
		"none":                 {},
		"no value":             {header: map[string][]string{"traceparent": {}}},
		"cut off":              {header: map[string][]string{"traceparent": {sampled[:40]}}},
		"no hexadecimal digit": {header: map[string][]string{"traceparent": {"00-" + traceID[:31] + "g-b7ad6b7169203331-01"}}},
		"upper-case digits":    {header: map[string][]string{"traceparent": {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"}}},
		"all zero":             {header: map[string][]string{"traceparent": {"00-00000000000000000000000000000000-b7ad6b7169203331-01"}}},
		"version of later":     {header: map[string][]string{"traceparent": {"01" + sampled[2:] + "-more"}}, trace: traceID, parent: "b7ad6b7169203331"},
		"only of a first attempt": {
			first: first, trace: traceID, parent: "00f067aa0ba902b7",
		},
		"of both": {
			header: map[string][]string{"traceparent": {sampled}}, first: first, trace: traceID, parent: "b7ad6b7169203331",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, spans := newTracer()
			a := begin(tracer, message(test.header, test.first))
			a.Settle(tracing.Settlement{Verdict: "ack"})
			got := spans.GetSpans()
			if len(got) != 1 {
				t.Fatalf("%d spans, want 1", len(got))
			}
			parent := got[0].Parent
			if test.parent == "" && parent.IsValid() || test.parent != "" && parent.SpanID().String() != test.parent {
				t.Errorf("parent is %s, want %q", parent.SpanID(), test.parent)
			}
			if id := got[0].SpanContext.TraceID().String(); test.trace != "" && id != test.trace {
				t.Errorf("trace is %s, want %s", id, test.trace)
			}
			if s := got[0].SpanContext.TraceState().String(); s != test.state {
				t.Errorf("tracestate is %q, want %q", s, test.state)
			}
			if links := len(got[0].Links); (test.first != "") != (links == 1) {
				t.Errorf("%d links", links)
			}
		})
	}
}

// TestSpans: what the spans of an attempt say.
func TestSpans(t *testing.T) {
	t.Parallel()
	tracer, spans := newTracer()
	m := message(map[string][]string{"traceparent": {sampled}}, "")
	a := begin(tracer, m)
	a.Began(time.Unix(3, 0))
	parent, state := a.Context()
	a.Requested(push.Request{
		Provider: "fcm", Platform: "android", Devices: 1, Asked: time.Unix(4, 0), Answered: time.Unix(5, 0), Class: "unavailable", Code: "http-503",
	})
	a.StoresRetry()(nil)
	a.Settle(tracing.Settlement{
		Verdict: "redeliver", Delay: 2 * time.Second, Targets: push.Targets{Retried: 1}, Why: push.Unavailable(errors.New("HTTP 503")),
	})
	got := spans.GetSpans()
	var said []string
	for _, s := range got {
		said = append(said, fmt.Sprintf("%s (%s, %v)", s.Name, s.SpanKind, s.Status.Code))
		if s.InstrumentationScope.SchemaURL != tracing.SchemaURL {
			t.Errorf("schema of %s: %q", s.Name, s.InstrumentationScope.SchemaURL)
		}
	}
	if diff := cmp.Diff([]string{"push fcm (client, Error)", "send PUSH_RETRY (producer, Unset)", "process PUSH (consumer, Error)"}, said); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	process := got[2]
	if id := process.SpanContext.SpanID().String(); parent != "00-"+traceID+"-"+id+"-01" || state != "" {
		t.Errorf("requests go on with %q, %q; the span is %s", parent, state, id)
	}
	if !process.StartTime.Equal(m.Taken) || got[0].EndTime.Sub(got[0].StartTime) != time.Second {
		t.Errorf("times: %v, %v to %v", process.StartTime, got[0].StartTime, got[0].EndTime)
	}
	for i := range 2 {
		if got[i].Parent.SpanID() != process.SpanContext.SpanID() {
			t.Errorf("%s is below %s", got[i].Name, got[i].Parent.SpanID())
		}
	}
	attributes := map[string]string{}
	for _, kv := range append(process.Attributes, got[0].Attributes...) {
		attributes[string(kv.Key)] = kv.Value.String()
	}
	if diff := cmp.Diff(map[string]string{
		"messaging.system": "nats", "messaging.operation.name": "process", "messaging.operation.type": "process",
		"messaging.destination.name": "PUSH", "messaging.consumer.group.name": "fcm", "messaging.message.id": m.ID(), "messaging.message.body.size": "100",
		"pushworker.handler": "fcm", "pushworker.receipt.seq": "7", "pushworker.attempt": "1", "pushworker.verdict": "redeliver",
		"pushworker.delay_seconds": "2", "pushworker.requests": "1", "pushworker.targets.retried": "1", "error.type": "unavailable",
		"pushworker.provider": "fcm", "pushworker.answer.class": "unavailable", "pushworker.answer.code": "http-503", "pushworker.device.platform": "android",
	}, attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if process.Status.Code != codes.Error || process.SpanKind != trace.SpanKindConsumer {
		t.Errorf("status %v, kind %v", process.Status, process.SpanKind)
	}
}

// TestManyRequests: a receipt with many targets has a bounded number of spans, and all
// requests count.
func TestManyRequests(t *testing.T) {
	t.Parallel()
	tracer, spans := newTracer()
	a := begin(tracer, message(nil, ""))
	for range 20_000 {
		a.Requested(push.Request{Provider: "fcm", Asked: time.Unix(4, 0), Answered: time.Unix(5, 0), Class: "accepted", Accepted: true})
	}
	a.Settle(tracing.Settlement{Verdict: "ack"})
	got := spans.GetSpans()
	if len(got) != 101 {
		t.Errorf("%d spans, want 101", len(got))
	}
	for _, kv := range got[len(got)-1].Attributes {
		if kv.Key == "pushworker.requests" && kv.Value.AsInt64() != 20_000 {
			t.Errorf("%d requests are counted", kv.Value.AsInt64())
		}
	}
}
