package main

// pacing breaks how sends keep to a rate.
func pacing() []mutant {
	const file = "pkg/plugins/internal/line/pace.go"
	return []mutant{
		{
			name: "a timer for each push", file: file,
			old: "after := max(stepEvery, p.until(1, now))", now: "after := p.until(1, now)",
			pkg: lines, test: "TestPaceGoesInSteps",
		},
		{
			name: "a step admits all who wait", file: file,
			old: "} else if !p.due(now) {", now: "} else if p.due(now); false {",
			pkg: lines, test: "TestPaceGoesInSteps",
		},
		{
			name: "who comes overtakes who waits for the rate", file: file,
			old: "return p.waiting.list.Len() == 0 && p.due(now)", now: "return p.due(now)",
			pkg: lines, test: "TestPaceIsFair",
		},
		{
			name: "who waits for the rate does not see a stop", file: file,
			old: "p.waiting.add(rootOf(ctx), next)", now: "p.waiting.add(context.WithoutCancel(rootOf(ctx)), next)",
			pkg: lines, test: "TestPaceStops",
		},
		{
			name: "who has waited too long for the rate is sent", file: file,
			old: "if p.waiting.late(now) {", now: "if false {",
			pkg: lines, test: "TestPaceStops",
		},
	}
}
