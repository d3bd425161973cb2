package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// standard is a variable that other programs have, too.
type standard struct {
	Variable

	// check says what is wrong with a value, which it does not quote; nil if anything goes.
	check func(value string) problem
}

// StandardVariables lists the variables of OpenTelemetry that a worker honours, as the
// OpenTelemetry specification names them. They have no twins with _FILE.
func StandardVariables() []Variable {
	all := make([]Variable, 0, 32)
	for _, v := range standards() {
		all = append(all, v.Variable)
	}
	return all
}

func standards() []standard {
	return slices.Concat(whetherTraces(), exporterVariables(), spanVariables())
}

// of makes a standard variable.
func of(name, kind, byDefault, text string, check func(string) problem) standard {
	return standard{Variable{Name: name, Type: kind, Default: byDefault, Description: text, Worker: true}, check}
}

func whetherTraces() []standard {
	return []standard{
		of(otelEndpoint, "url", "", "Collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Spans go to /v1/traces below it. Without it and the next variable there are no traces.", isURL),
		of(otelTracesEndpoint, "url", "", "The same for traces alone: the whole URL, such as http://127.0.0.1:4318/v1/traces.", isURL),
		of(otelExporter, "text", "otlp", "otlp, or none for no traces.", anyCase(among("otlp", "none"))),
		of(otelDisabled, "bool", "false", "true for no traces.", anyCase(among("true", "false"))),
		of(otelSampler, "text", defaultSampler, "Which traces are recorded: always_on, always_off, traceidratio, or parentbased_ and one of these. With parentbased_ the publisher decides, and the rest of the name is for receipts without a trace.",
			anyCase(among("always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"))),
		of(otelSamplerArg, "number", "1", "Share of the traces that traceidratio records, 0 to 1.", isRatio),
		of(otelPropagators, "text", "tracecontext", "Only W3C Trace Context is read, whatever this says.", nil),
	}
}

// exporterVariables are each there for all signals and for traces.
func exporterVariables() (all []standard) {
	for _, v := range []standard{
		of("HEADERS", "secret", "", "Headers for the collector, such as a key: name=value, with commas between them, values URL-encoded.", isList),
		of("PROTOCOL", "text", "http/protobuf", "http/protobuf or http/json. gRPC is not supported: collectors take HTTP on port 4318.", among("http/protobuf", "http/json")),
		of("TIMEOUT", "number", "10000", "How long an export may take, in milliseconds.", isPositive),
		of("COMPRESSION", "text", "none", "none or gzip.", among("none", "gzip")),
		of("CERTIFICATE", "text", "", "PEM file of the authorities that sign the collector's certificate.", checkFile),
		of("CLIENT_CERTIFICATE", "text", "", "PEM certificate that identifies this program to the collector. It needs the key.", checkFile),
		of("CLIENT_KEY", "text", "", "PEM key of the certificate.", checkFile),
	} {
		for _, signal := range []string{"", "TRACES_"} {
			one := v
			one.Name = otlp + signal + v.Name
			one.Secret = v.Type == "secret"
			if signal != "" {
				one.Description, one.Default = "The same for traces alone.", ""
			}
			all = append(all, one)
		}
	}
	return all
}

func spanVariables() []standard {
	return []standard{
		of("OTEL_SERVICE_NAME", "text", TracesService, "Name of this program in traces.", nil),
		of("OTEL_RESOURCE_ATTRIBUTES", "text", "", "Further attributes of this process: name=value, with commas between them, for example deployment.environment.name=staging.", isList),
		of(otelQueue, "number", strconv.Itoa(defaultQueue), "How many spans may wait to be exported. Further ones are dropped and counted.", isPositive),
		of(otelBatch, "number", strconv.Itoa(defaultBatch), "How many spans are exported in one request.", isPositive),
		of("OTEL_BSP_SCHEDULE_DELAY", "number", "5000", "How long spans wait for others before they are exported, in milliseconds.", isPositive),
		of("OTEL_BSP_EXPORT_TIMEOUT", "number", "30000", "How long an export may take with its repetitions, in milliseconds.", isPositive),
	}
}

func among(allowed ...string) func(string) problem {
	return func(value string) problem {
		if slices.Contains(allowed, value) {
			return problem{}
		}
		last := len(allowed) - 1
		return problem{"is not a value that pushworker knows", "use " + strings.Join(allowed[:last], ", ") + " or " + allowed[last]}
	}
}

// anyCase has check look at the value in lower case, as the standard does.
func anyCase(check func(string) problem) func(string) problem {
	return func(value string) problem { return check(strings.ToLower(value)) }
}

func isURL(value string) problem {
	u, err := url.Parse(value)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil {
		return problem{}
	}
	return problem{"is not the URL of a collector", "write http://host:4318 or https://host:4318"}
}

func isRatio(value string) problem {
	if n, err := strconv.ParseFloat(value, 64); err == nil && n >= 0 && n <= 1 {
		return problem{}
	}
	return problem{"is not a share", "write a number from 0 to 1, such as 0.01"}
}

func isPositive(value string) problem {
	if n, err := strconv.Atoi(value); err == nil && n > 0 {
		return problem{}
	}
	return problem{"is not a whole number above 0", "write digits only"}
}

// isList wants name=value, with commas between them.
func isList(value string) problem {
	for entry := range strings.SplitSeq(value, ",") {
		name, text, ok := strings.Cut(entry, "=")
		_, err := url.PathUnescape(text)
		if !ok || strings.TrimSpace(name) == "" || err != nil {
			return problem{"is not a list of name=value", "write name=value, with commas between them, and %2C for a comma in a value"}
		}
	}
	return problem{}
}
