package main

// following breaks the decision whether a receipt is recorded.
func following() []mutant {
	return []mutant{
		{
			name: "publisher's decision not to record ignored", file: "internal/tracing/sampling.go",
			old: "case c.valid && s.byParent:\n\t\treturn root, c.sampled", now: "case c.valid && s.byParent:\n\t\treturn root, true",
			pkg: traces, test: "TestSamplingIsTheStandards",
		},
		{
			name: "receipt of a sampler that asks nobody decided by its publisher", file: "internal/tracing/sampling.go",
			old: "case c.valid && s.byParent:", now: "case c.valid:",
			pkg: traces, test: "TestSamplingIsTheStandards",
		},
		{
			name: "damaged traceparent taken for one that is not recorded", file: "internal/tracing/context.go",
			old: "if flags > 3 || idErr != nil || spanErr != nil {", now: "if _, _ = idErr, spanErr; flags > 3 {",
			pkg: traces, test: "TestSamplingIsTheStandards",
		},
		{
			name: "share of a share recorded", file: "internal/worker/traces.go",
			old: ", sdktrace.WithIDGenerator(tracing.IDs{})", now: "",
			pkg: workers, test: "TestSamplersByTheVariables",
		},
		{
			name: "share of the sampler ignored", file: "config/traces.go",
			old: `case sampler == "traceidratio" && err == nil:`, now: `case sampler == "none" && err == nil:`,
			pkg: workers, test: "TestSamplersByTheVariables",
		},
		{
			name: "span made to decide that there is none", file: "internal/consumer/trace.go",
			old: "if !yes {", now: "if !yes && t == nil {",
			pkg: lanes, test: "TestUnrecordedTraceCostsNothing",
		},
	}
}

// linking breaks how traces go on, and that they are off unless they are asked for.
func linking() []mutant {
	return []mutant{
		{
			name: "header of another letter case overlooked", file: "internal/tracing/context.go",
			old: "strings.EqualFold(name, key)", now: "strings.Clone(name) == key",
			pkg: traces, test: "TestParent",
		},
		{
			name: "retry without a link to the first attempt", file: "internal/consumer/doors.go",
			old: "\tr.Origin.Traced = d.first()\n", now: "",
			pkg: lanes, test: "TestTraceOfARetry",
		},
		{
			name: "dead letter without its trace", file: "internal/consumer/letters.go",
			old: ", Traced: d.first(),", now: ",",
			pkg: lanes, test: "TestTraceOfALetter",
		},
		{
			name: "link left out", file: "internal/tracing/tracer.go",
			old: "if first.IsValid() {\n\t\tspan.AddLink", now: "if false {\n\t\tspan.AddLink",
			pkg: traces, test: "TestParent",
		},
		{
			name: "traces without an endpoint", file: "config/traces.go",
			old: `t.On = t.Endpoint != "" && !declined(v)`, now: "t.On = !declined(v)",
			pkg: settings, test: "TestTraces",
		},
		{
			name: "traces although they are switched off", file: "config/traces.go",
			old: `t.On = t.Endpoint != "" && !declined(v)`, now: `t.On = t.Endpoint != ""`,
			pkg: settings, test: "TestTraces",
		},
		{
			name: "handler in a chat server drops the trace", file: "pkg/publisher/front.go",
			old: "traceOf(r))", now: "nil)",
			pkg: importer, test: "TestHandlerGoesOnWithTheTrace",
		},
		{
			name: "brief success overlooked after a refusal", file: "internal/explain/tell.go",
			old: "known && !share.unsaid", now: "known",
			pkg: "./internal/explain", test: "TestWhatWentWellAtLast",
		},
	}
}
