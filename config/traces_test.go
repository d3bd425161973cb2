package config_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/config"
)

const collector = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"

// TestTraces: nothing but an endpoint turns traces on.
func TestTraces(t *testing.T) {
	t.Parallel()
	on := config.Traces{On: true, Endpoint: "http://127.0.0.1:4318/v1/traces", Sampler: "parentbased_always_on", ByParent: true, Share: 1, QueueSize: 2048}
	sampled := func(sampler string, byParent bool, share float64) config.Traces {
		t := on
		t.Sampler, t.ByParent, t.Share = sampler, byParent, share
		return t
	}
	for name, test := range map[string]struct {
		environ []string
		want    config.Traces
	}{
		"nothing":             {nil, config.Traces{}},
		"only a name":         {[]string{"OTEL_SERVICE_NAME=push", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_TRACES_SAMPLER=none"}, config.Traces{}},
		"endpoint":            {[]string{collector}, on},
		"endpoint with slash": {[]string{collector + "/"}, on},
		"endpoint of traces":  {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://other", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces"}, on},
		"said to be otlp":     {[]string{collector, "OTEL_TRACES_EXPORTER=otlp"}, on},
		"said to be none":     {[]string{collector, "OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, config.Traces{}},
		"disabled":            {[]string{collector, "OTEL_SDK_DISABLED=TRUE"}, config.Traces{}},
		"empty":               {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT="}, config.Traces{}},
		"sampler": {
			[]string{collector, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.01", "OTEL_BSP_MAX_QUEUE_SIZE=100"},
			config.Traces{On: true, Endpoint: on.Endpoint, Sampler: "traceidratio", Share: 0.01, QueueSize: 100},
		},
		"share without a number": {[]string{collector, "OTEL_TRACES_SAMPLER=ParentBased_TraceIDRatio"}, sampled("parentbased_traceidratio", true, 1)},
		"share of those without a trace": {
			[]string{collector, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG= 0.25 "}, sampled("parentbased_traceidratio", true, 0.25),
		},
		"all, whatever the share":      {[]string{collector, "OTEL_TRACES_SAMPLER=always_on", "OTEL_TRACES_SAMPLER_ARG=0.25"}, sampled("always_on", false, 1)},
		"none, whatever the share":     {[]string{collector, "OTEL_TRACES_SAMPLER=always_off", "OTEL_TRACES_SAMPLER_ARG=0.25"}, sampled("always_off", false, 0)},
		"none but those of publishers": {[]string{collector, "OTEL_TRACES_SAMPLER=parentbased_always_off"}, sampled("parentbased_always_off", true, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := mustLoad(t, test.environ, nil).Traces()
			if !got.On && !test.want.On {
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTracesFaults: what the SDK would ignore without a word is a fault, all at once, and
// other commands than the worker do not mind.
func TestTracesFaults(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":           "127.0.0.1:4318",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":    "http://user:hunter2@host",
		"OTEL_TRACES_EXPORTER":                  "zipkin",
		"OTEL_SDK_DISABLED":                     "1",
		"OTEL_TRACES_SAMPLER":                   "sometimes",
		"OTEL_TRACES_SAMPLER_ARG":               "1.5",
		"OTEL_EXPORTER_OTLP_HEADERS":            "hunter2",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":     "k=%zz",
		"OTEL_EXPORTER_OTLP_PROTOCOL":           "grpc",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL":    "http",
		"OTEL_EXPORTER_OTLP_TIMEOUT":            "10s",
		"OTEL_EXPORTER_OTLP_COMPRESSION":        "zstd",
		"OTEL_EXPORTER_OTLP_CERTIFICATE":        "/does/not/exist.pem",
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/does/not/exist.pem",
		"OTEL_EXPORTER_OTLP_CLIENT_KEY":         "/does/not/exist.pem",
		"OTEL_RESOURCE_ATTRIBUTES":              "staging",
		"OTEL_BSP_MAX_QUEUE_SIZE":               "0",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":        "many",
		"OTEL_BSP_SCHEDULE_DELAY":               "-1",
		"OTEL_BSP_EXPORT_TIMEOUT":               "30s",
	}
	var environ []string
	for name, value := range wrong {
		environ = append(environ, name+"="+value)
	}
	_, err := config.Load(environ, nil)
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if !ok {
		t.Fatalf("Load = %v", err)
	}
	var got []string
	for _, f := range invalid.Faults {
		got = append(got, f.Variable)
		if strings.Contains(f.String(), "hunter2") && f.Variable != "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" {
			t.Errorf("the value of a secret: %s", f)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(wrong)), got); diff != "" {
		t.Errorf("faulty variables (-want +got):\n%s", diff)
	}
	if invalid.ForCommand() == nil {
		t.Error("a command that runs no worker is stopped by what only a worker uses")
	}
}

// TestTracesFaultsTogether: what is wrong between variables.
func TestTracesFaultsTogether(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environ []string
		want    string
	}{
		"exporter without an endpoint": {[]string{"OTEL_TRACES_EXPORTER=otlp"}, "OTEL_TRACES_EXPORTER is otlp and there is no endpoint"},
		"batch larger than the queue":  {[]string{collector, "OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=200"}, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 200, more than OTEL_BSP_MAX_QUEUE_SIZE (100)"},
		"certificate without its key":  {[]string{collector, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=traces_test.go"}, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is set without its key"},
		"key without its certificate":  {[]string{collector, "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY=traces_test.go"}, "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY is set without its certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := config.Load(test.environ, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Load = %v, want %q", err, test.want)
			}
		})
	}
	c := mustLoad(t, []string{collector, "OTEL_PROPAGATORS=b3"}, nil)
	if w := c.Warnings(); len(w) != 1 || w[0].Variable != "OTEL_PROPAGATORS" {
		t.Errorf("warnings: %v", w)
	}
}

// TestTracesSettings: config print shows those that are set, and no secret.
func TestTracesSettings(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, []string{collector, "OTEL_EXPORTER_OTLP_HEADERS=key=hunter2", "OTEL_OTHER=1"}, nil)
	var got []config.Setting
	for _, s := range c.Effective() {
		if strings.HasPrefix(s.Name, "OTEL_") {
			got = append(got, s)
		}
	}
	want := []config.Setting{
		{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: "http://127.0.0.1:4318", Source: config.FromEnv},
		{Name: "OTEL_EXPORTER_OTLP_HEADERS", Value: "***", Source: config.FromEnv},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
