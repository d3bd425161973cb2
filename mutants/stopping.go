package main

// stopping breaks how a lane stops when its provider fails, and how it resumes.
func stopping() []mutant {
	return []mutant{
		{
			name: "breaker never opens", file: "internal/consumer/breaker.go",
			old: "ReadyToTrip:  func(gobreaker.Counts) bool { return true },", now: "ReadyToTrip:  func(gobreaker.Counts) bool { return false },",
			pkg: lanes, test: "TestOutage",
		},
		{
			name: "idle breaker waits for a receipt", file: "internal/consumer/probe.go",
			old: "if err := l.probeHandler(ctx); err == nil || isUnavailable(err) {", now: "if err := l.probeHandler(ctx); isUnavailable(err) {",
			pkg: lanes, test: "TestIdleBreakerCloses",
		},
		{
			name: "all traffic buried for one reason", file: "internal/consumer/refusals.go",
			old: "if r.add(why) <= refusalsAlike {", now: "if r.add(why) > 0 {",
			pkg: lanes, test: "TestRefusedAlike",
		},
		{
			name: "refusals counted although others are delivered", file: "internal/consumer/probe.go",
			old: "b.refusals.delivered()", now: "_ = b.refusals.count",
			pkg: lanes, test: "TestRefusedBesideDelivered",
		},
		{
			name: "provider blamed for the directory", file: "internal/consumer/breaker.go",
			old: "case down.Directory:", now: "case down.Directory && false:",
			pkg: lanes, test: "TestDirectoryUnavailable",
		},
	}
}
