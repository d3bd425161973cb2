package consumer

import (
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pushworker/pushworker/internal/tracing"
)

// TestUnrecordedTraceCostsNothing: of a receipt that is not recorded, not even what its span
// would say is put together.
func TestUnrecordedTraceCostsNothing(t *testing.T) {
	tracer := tracing.New(tracing.Options{
		Provider: sdk.NewTracerProvider(sdk.WithSampler(sdk.ParentBased(sdk.NeverSample()))), Sampling: tracing.Sampling{ByParent: true},
	})
	for name, header := range map[string]map[string][]string{
		"no trace":                  nil,
		"publisher does not record": {"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}},
	} {
		d := &delivery{lane: &Lane{name: "fcm", tracer: tracer}, origin: &Origin{Stream: "PUSH", Header: header}}
		if n := testing.AllocsPerRun(100, d.traced); n != 0 || d.trace != nil {
			t.Errorf("%s: %v allocations, want none; recorded: %v", name, n, d.trace != nil)
		}
	}
}
