package tracing_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pushworker/pushworker/internal/tracing"
	"github.com/pushworker/pushworker/pkg/push"
)

const notSampled = "00-" + traceID + "-b7ad6b7169203331-00"

// samplings are the samplers that the standard names, each with what stands for it here.
func samplings() map[string]samplerOf {
	all := map[string]samplerOf{
		"always_on": {tracing.Sampling{Share: 1}, sdk.AlwaysSample()}, "always_off": {tracing.Sampling{}, sdk.NeverSample()},
		"parentbased_always_on":  {tracing.Sampling{ByParent: true, Share: 1}, sdk.ParentBased(sdk.AlwaysSample())},
		"parentbased_always_off": {tracing.Sampling{ByParent: true}, sdk.ParentBased(sdk.NeverSample())},
	}
	for _, share := range []float64{0, 1e-19, 0.01, 0.5, 0.999999, 1} {
		all[fmt.Sprint("traceidratio ", share)] = samplerOf{tracing.Sampling{Share: share}, sdk.TraceIDRatioBased(share)}
		all[fmt.Sprint("parentbased_traceidratio ", share)] = samplerOf{tracing.Sampling{ByParent: true, Share: share}, sdk.ParentBased(sdk.TraceIDRatioBased(share))}
	}
	return all
}

type samplerOf struct {
	ours tracing.Sampling
	sdk  sdk.Sampler
}

func (s samplerOf) tracer() *tracing.Tracer {
	return tracing.New(tracing.Options{Provider: sdk.NewTracerProvider(sdk.WithSampler(s.sdk), sdk.WithIDGenerator(tracing.IDs{})), Sampling: s.ours})
}

// parents are values of traceparent in many forms; some are none.
func parents() []string {
	all := []string{
		"", "no", sampled, notSampled, notSampled[:54] + "2", notSampled[:54] + "3", notSampled[:54] + "4", notSampled[:54] + "a", notSampled[:53] + "10", notSampled[:53] + "ff",
		notSampled[:53], sampled + "-more", sampled + "0", "01" + sampled[2:], "01" + notSampled[2:], "01" + notSampled[2:] + "-more", "ff" + sampled[2:], "0g" + sampled[2:],
		"00-00000000000000000000000000000000-b7ad6b7169203331-00", "00-" + traceID + "-0000000000000000-00", "00-" + traceID[:31] + "g-b7ad6b7169203331-00",
		"00-" + traceID + "-B7AD6B7169203331-00", "00-" + traceID + "_b7ad6b7169203331-00", "00-" + traceID + "-b7ad6b7169203331_00", "00_" + notSampled[3:],
		"00-00000000000000000000000000000001-b7ad6b7169203331-00", "00-10000000000000000000000000000000-b7ad6b7169203331-01",
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var id [16]byte
		for i := range id {
			id[i] = byte(chance.Uint32())
		}
		all = append(all, fmt.Sprintf("00-%s-b7ad6b7169203331-0%d", hex.EncodeToString(id[:]), chance.IntN(4)))
	}
	return all
}

// TestSamplingIsTheStandards: of every context, each sampler records what the SDK's records.
// A trace that begins here has no number yet to be held against.
func TestSamplingIsTheStandards(t *testing.T) {
	t.Parallel()
	for name, of := range samplings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, chosen := of.tracer(), of.ours.Share > 0 && of.ours.Share < 1
			for _, parent := range parents() {
				ctx := propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": parent})
				sc := trace.SpanContextFromContext(ctx)
				if chosen && !sc.IsValid() {
					continue
				}
				want := of.sdk.ShouldSample(sdk.SamplingParameters{ParentContext: ctx, TraceID: sc.TraceID()}).Decision == sdk.RecordAndSample
				for m, what := range map[*tracing.Message]string{
					message(map[string][]string{"TraceParent": {parent}}, ""): "publisher's",
					message(nil, parent): "of a first attempt",
				} {
					_, decided := tracer.Records(m.Header, m.First)
					if got := begin(tracer, m) != nil; got != want || decided != want {
						t.Errorf("%s, %q: recorded: %v, decided %v, want %v", what, parent, got, decided, want)
					}
				}
			}
		})
	}
}

// TestShareOfRoots: of the traces that begin here as many are recorded as were asked for, and
// by the numbers that they then have.
func TestShareOfRoots(t *testing.T) {
	t.Parallel()
	const n = 4000
	for name, of := range samplings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, got := of.tracer(), 0
			for range n {
				a := begin(tracer, message(nil, ""))
				if a == nil {
					continue
				}
				got++
				parent, _ := a.Context()
				sc := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": parent}))
				if of.sdk.ShouldSample(sdk.SamplingParameters{ParentContext: t.Context(), TraceID: sc.TraceID()}).Decision != sdk.RecordAndSample {
					t.Errorf("%s is recorded", sc.TraceID())
				}
			}
			const wide = 8 * 32 // of the standard deviation of n coins
			if want := of.ours.Share * n; float64(got) < want-wide || float64(got) > want+wide {
				t.Errorf("%d of %d are recorded, want about %v", got, n, want)
			}
		})
	}
}

// TestOffCostsNothing: without a tracer, and for a receipt that is not recorded, whoever
// decides that, nothing is allocated.
func TestOffCostsNothing(t *testing.T) {
	off := map[string][]string{"Thread": {"1"}, "traceparent": {notSampled}}
	few := tracing.Sampling{ByParent: true, Share: 1e-19}
	for name, test := range map[string]struct {
		tracer *tracing.Tracer
		header map[string][]string
		first  string
	}{
		"no tracer":                     {nil, off, ""},
		"publisher does not record":     {samplings()["parentbased_always_on"].tracer(), off, ""},
		"name in another letter case":   {samplings()["parentbased_always_on"].tracer(), map[string][]string{"TraceParent": {notSampled}}, ""},
		"no trace, a share is recorded": {samplerOf{few, sdk.ParentBased(sdk.TraceIDRatioBased(few.Share))}.tracer(), nil, ""},
		"no trace, none is recorded":    {samplings()["parentbased_always_off"].tracer(), nil, ""},
		"share of all":                  {samplings()["traceidratio 1e-19"].tracer(), map[string][]string{"traceparent": {sampled}}, ""},
		"share of all, a retry":         {samplings()["traceidratio 1e-19"].tracer(), nil, sampled},
		"always off":                    {samplings()["always_off"].tracer(), map[string][]string{"traceparent": {sampled}}, ""},
	} {
		m := message(test.header, test.first)
		if n := testing.AllocsPerRun(1000, func() {
			a := begin(test.tracer, m)
			a.Began(m.Taken)
			a.IDs()
			a.First()
			a.StoresRetry()(nil)
			a.StoresLetter()(nil)
			a.Settle(tracing.Settlement{Verdict: "ack"})
		}); n != 0 {
			t.Errorf("%s: %v allocations for a receipt, want none", name, n)
		}
	}
}

// BenchmarkAttempt is what a receipt costs: without a tracer, with a trace that its
// publisher does not record, without one, and with one that is recorded.
func BenchmarkAttempt(b *testing.B) {
	of := func(parent string) map[string][]string {
		return map[string][]string{"Nats-Msg-Id": {"1"}, "traceparent": {parent}}
	}
	few := samplings()["parentbased_traceidratio 0.01"]
	few.ours.Share, few.sdk = 1e-19, sdk.ParentBased(sdk.TraceIDRatioBased(1e-19))
	on, recording := few.tracer(), samplings()["parentbased_always_on"].tracer()
	for name, test := range map[string]struct {
		tracer *tracing.Tracer
		header map[string][]string
	}{
		"off":                {nil, of(sampled)},
		"parent not sampled": {on, of(notSampled)},
		"root not sampled":   {on, nil},
		"sampled":            {recording, of(sampled)},
	} {
		b.Run(name, func(b *testing.B) {
			m := message(test.header, "")
			b.ReportAllocs()
			for b.Loop() {
				a := begin(test.tracer, m)
				a.Began(m.Taken)
				if a != nil {
					a.Requested(push.Request{Provider: "fcm", Platform: "android", Devices: 1, Asked: m.Taken, Answered: m.Taken, Class: "accepted", Accepted: true})
				}
				a.Settle(tracing.Settlement{Verdict: "ack", Targets: push.Targets{Accepted: 1}})
			}
		})
	}
}
