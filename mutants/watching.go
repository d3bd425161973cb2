package main

// watching breaks what operators see of a worker.
func watching() []mutant {
	return []mutant{
		{
			name: "secret in the hash of the configuration", file: "config/hash.go",
			old: "\treturn masked\n}", now: "\treturn text\n}",
			pkg: settings, test: "TestHashHasNoSecrets",
		},
		{
			name: "project not in the hash of the configuration", file: "config/hash.go",
			old: `"project_id", `, now: "",
			pkg: settings, test: "TestHashTellsConfigurationsApart",
		},
		{
			name: "broker pinged while nobody reads", file: "internal/worker/roundtrip.go",
			old: "case <-r.wanted:", now: "case <-time.After(time.Second):",
			pkg: workers, test: "TestRoundTripIsMeasuredWhenSomebodyReads",
		},
		{
			name: "pace shown as it was at the last request", file: "pkg/plugins/internal/line/pace.go",
			old: "p.raise(began, at)", now: "_ = began",
			pkg: lines, test: "TestState",
		},
	}
}
