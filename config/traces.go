package config

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// TracesService is what spans name this program, unless OTEL_SERVICE_NAME says otherwise.
const TracesService = "pushworker"

// Traces say whether spans are exported, and how. They come from the standard variables
// of OpenTelemetry, most of which its SDK reads itself: see [StandardVariables].
type Traces struct {
	On bool
	// Endpoint is the URL that spans are sent to.
	Endpoint string
	// Sampler is one of the standard's. ByParent says that it asks the publisher, if the receipt
	// has a trace, and Share is that of the other traces which it records, 0 to 1.
	Sampler  string
	ByParent bool
	Share    float64
	// QueueSize is how many spans may wait to be exported.
	QueueSize int
}

// The variables that decide whether there are traces. Empty is unset.
const (
	otlp               = "OTEL_EXPORTER_OTLP_"
	otelDisabled       = "OTEL_SDK_DISABLED"
	otelExporter       = "OTEL_TRACES_EXPORTER"
	otelEndpoint       = otlp + "ENDPOINT"
	otelTracesEndpoint = otlp + "TRACES_ENDPOINT"
	otelSampler        = "OTEL_TRACES_SAMPLER"
	otelSamplerArg     = "OTEL_TRACES_SAMPLER_ARG"
	otelPropagators    = "OTEL_PROPAGATORS"
	otelQueue          = "OTEL_BSP_MAX_QUEUE_SIZE"
	otelBatch          = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
)

// What the SDK does without a value.
const (
	defaultSampler = "parentbased_always_on"
	defaultQueue   = 2048
	defaultBatch   = 512
)

// Traces are those of the configuration.
func (c *Config) Traces() Traces {
	v := c.standard
	t := Traces{Endpoint: v[otelTracesEndpoint], Sampler: cmp.Or(strings.ToLower(v[otelSampler]), defaultSampler)}
	if t.Endpoint == "" && v[otelEndpoint] != "" {
		t.Endpoint = strings.TrimRight(v[otelEndpoint], "/") + "/v1/traces"
	}
	t.On = t.Endpoint != "" && !declined(v)
	root, byParent := strings.CutPrefix(t.Sampler, "parentbased_")
	t.ByParent, t.Share = byParent, share(root, v[otelSamplerArg])
	t.QueueSize = number(v[otelQueue], defaultQueue)
	return t
}

// declined reports whether the variables say that there are to be no traces.
func declined(values map[string]string) bool {
	return strings.EqualFold(values[otelExporter], "none") || strings.EqualFold(values[otelDisabled], "true")
}

// share is that of the traces which a sampler records that asks nobody; arg is that of
// [otelSamplerArg], and has been checked.
func share(sampler, arg string) float64 {
	switch n, err := strconv.ParseFloat(arg, 64); {
	case sampler == "always_off":
		return 0
	case sampler == "traceidratio" && err == nil:
		return n
	}
	return 1
}

// number is text as a number that has been checked; otherwise if it is empty.
func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return n
	}
	return otherwise
}

// readStandard takes the standard variables out of env.
func readStandard(env map[string]string) map[string]string {
	values := make(map[string]string)
	for _, v := range standards() {
		if value := strings.TrimSpace(env[v.Name]); value != "" {
			values[v.Name] = value
		}
	}
	return values
}

// checkStandard finds what is wrong with the standard variables, if they ask for traces:
// they may be there for other programs.
func checkStandard(values map[string]string, f *findings) {
	wanted := values[otelEndpoint] != "" || values[otelTracesEndpoint] != "" || strings.EqualFold(values[otelExporter], "otlp")
	if !wanted || declined(values) {
		return
	}
	for _, v := range standards() {
		if value, given := values[v.Name]; given && v.check != nil {
			v.faultOf(value, f)
		}
	}
	checkTogether(values, f)
}

// faultOf records what is wrong with a value.
func (v standard) faultOf(value string, f *findings) {
	p := v.check(value)
	if p.what == "" {
		return
	}
	if !v.Secret && !strings.Contains(p.what, quote(value)) {
		p.what += ": " + quote(value)
	}
	f.fault(v.Name, origin{variable: v.Name, source: FromEnv}, p)
}

// checkTogether finds what is wrong between variables.
func checkTogether(values map[string]string, f *findings) {
	fault := func(name, what, hint string) {
		f.fault(name, origin{variable: name, source: FromEnv}, problem{what, hint})
	}
	if values[otelEndpoint] == "" && values[otelTracesEndpoint] == "" {
		fault(otelExporter, "is otlp and there is no endpoint", "set "+otelEndpoint+", for example to http://127.0.0.1:4318")
	}
	pair := func(one, other, what string) {
		if values[one] != "" && values[other] == "" {
			fault(one, "is set without its "+what, "set "+other)
		}
	}
	for _, signal := range []string{"", "TRACES_"} {
		cert, key := otlp+signal+"CLIENT_CERTIFICATE", otlp+signal+"CLIENT_KEY"
		pair(cert, key, "key")
		pair(key, cert, "certificate")
	}
	queue, batch := number(values[otelQueue], defaultQueue), number(values[otelBatch], min(defaultBatch, number(values[otelQueue], defaultQueue)))
	if batch > queue && !f.broken[otelBatch] && !f.broken[otelQueue] {
		fault(otelBatch, fmt.Sprintf("is %d, more than %s (%d)", batch, otelQueue, queue), "set it to "+strconv.Itoa(queue)+" or less")
	}
	if list := values[otelPropagators]; list != "" && !strings.Contains(list, "tracecontext") {
		f.warnings = append(f.warnings, Fault{otelPropagators, "has no tracecontext", "publishers' traces are read from the headers traceparent and tracestate, whatever it says"})
	}
}
