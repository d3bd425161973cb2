package main

// starting breaks what receipts in work at the same time are promised.
func starting() []mutant {
	return []mutant{
		{
			name: "all receipts begin at once", file: "pkg/push/places.go",
			old: "return p.heavy+s.weight <= 2*p.most", now: "return p.heavy >= 0",
			pkg: domain, test: "TestStartWeights",
		},
		{
			name: "light receipts begin without end", file: "pkg/push/places.go",
			old: "p.light > 0 && p.light+s.weight", now: "p.light < 0 && p.light+s.weight",
			pkg: domain, test: "TestStartWeights",
		},
		{
			name: "receipts begin beyond what the line has room for", file: "pkg/push/places.go",
			old: "min(p.most, p.room())", now: "p.most",
			pkg: domain, test: "TestStartRoom",
		},
		{
			name: "light receipts wait for heavy ones", file: "pkg/push/start.go",
			old: "light: n <= lightWeight}", now: "light: n < 0}",
			pkg: domain, test: "TestStartWeights",
		},
		{
			name: "work that was started has two outcomes", file: "pkg/push/start.go",
			old: "if s.over.Swap(true) {", now: "if s.over.Load() {",
			pkg: domain, test: "TestStart",
		},
		{
			name: "receipts that wait for a place not handed back at a stop", file: "pkg/push/pool.go",
			old: "s.receipt.Done(ErrNotStarted)\n\t\t}\n\t\tp.seal", now: "_ = s\n\t\t}\n\t\tp.seal",
			pkg: domain, test: "TestStartDrains",
		},
	}
}

// breaking breaks what tells a provider that is down from a receipt that is bad.
func breaking() []mutant {
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
			name: "intake without a slot has the turn to probe", file: "internal/consumer/intake.go",
			old: "if reserved = in.slots.reserve(ctx, reserved[:0]); len(reserved) == 0 {\n\t\t\treturn nil // ctx has ended: that is how an intake stops\n\t\t}\n\t\tprobe, err := in.lane.mayPull(ctx)\n",
			now: "probe, err := in.lane.mayPull(ctx)\n\t\tif reserved = in.slots.reserve(ctx, reserved[:0]); len(reserved) == 0 {\n\t\t\treturn nil\n\t\t}\n",
			pkg: lanes, test: "TestFullIntakeDoesNotProbe",
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
