package worker

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/tracing"
)

// TestSamplersByTheVariables: what the lanes decide by the variables is what the SDK decides,
// which reads them itself, and a share of the traces that begin here is that share.
func TestSamplersByTheVariables(t *testing.T) {
	const n = 1000
	for _, test := range []struct {
		sampler, arg string
		least, most  int // of n receipts without a trace
	}{
		{"", "", n, n},
		{"always_on", "0.5", n, n},
		{"always_off", "", 0, 0},
		{"traceidratio", "", n, n},
		{"TraceIDRatio", " 0.5 ", 400, 600},
		{"parentbased_always_on", "", n, n},
		{"parentbased_always_off", "1", 0, 0},
		{"parentbased_traceidratio", "", n, n},
		{"parentbased_traceidratio", "0", 0, 0},
		{"parentbased_traceidratio", "0.5", 400, 600},
	} {
		t.Run(strings.TrimSpace(test.sampler+" "+test.arg), func(t *testing.T) {
			tracer, provider := tracerOf(t, map[string]string{"OTEL_TRACES_SAMPLER": test.sampler, "OTEL_TRACES_SAMPLER_ARG": test.arg})
			for i := range n {
				var id [16]byte
				for j := range id {
					id[j] = byte(rand.Uint32())
				}
				parent := fmt.Sprintf("00-%s-b7ad6b7169203331-0%d", hex.EncodeToString(id[:]), i%4)
				_, span := provider.Tracer("").Start(propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": parent}), "span")
				if _, got := tracer.Records(map[string][]string{"traceparent": {parent}}, ""); got != span.IsRecording() {
					t.Fatalf("%s is recorded: %v; the SDK says %v", parent, got, span.IsRecording())
				}
			}
			roots := 0
			for range n {
				if root, yes := tracer.Records(nil, ""); yes && tracer.Begin(&tracing.Message{}, root) != nil {
					roots++
				}
			}
			if roots < test.least || roots > test.most {
				t.Errorf("of %d receipts without a trace %d are recorded, want %d to %d", n, roots, test.least, test.most)
			}
		})
	}
}

// tracerOf is the tracer of a worker with these variables, and the SDK's provider. Nothing
// is exported: no span ends.
func tracerOf(t *testing.T, variables map[string]string) (*tracing.Tracer, *sdktrace.TracerProvider) {
	t.Helper()
	environ := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}
	for name, value := range variables {
		t.Setenv(name, value)
		environ = append(environ, name+"="+value)
	}
	c, err := config.Load(environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Worker{Config: c, Log: zerolog.Nop()}.openTraces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(all.close)
	return all.tracer("test", topology.Topology{}), all.provider
}
