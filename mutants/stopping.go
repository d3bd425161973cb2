package main

// fanning breaks how a lane spreads over many targets.
func fanning() []mutant {
	return []mutant{
		{
			name: "request for every target at once", file: "pkg/plugins/internal/fanout/crew.go",
			old: "if first == nil || c.used >= c.places {", now: "if first == nil {",
			pkg: fanouts, test: "TestFanoutIsBounded",
		},
		{
			name: "all receipts begin at once", file: "pkg/plugins/internal/fanout/way.go",
			old: "if n <= smallReceipt {", now: "if n <= smallReceipt*1000 {",
			pkg: fanouts, test: "TestFanoutIsBounded",
		},
		{
			name: "receipts served one after the other", file: "pkg/plugins/internal/fanout/crew.go",
			old: "c.rounds.MoveToBack(first)", now: "_ = first",
			pkg: fanouts, test: "TestFanoutServesInTurn",
		},
	}
}

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
		{
			name: "sending that was cut off counted as not begun", file: "internal/consumer/stop.go",
			old: "case errors.Is(err, push.ErrInterrupted):", now: "case false:",
			pkg: lanes, test: "TestInterruptedIsNotAFailure",
		},
	}
}
