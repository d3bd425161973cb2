package main

// fanning breaks how a lane spreads over many targets.
func fanning() []mutant {
	return []mutant{
		{
			name: "request for every target at once", file: "pkg/plugins/internal/fanout/crew.go",
			old: "if first == nil || c.used >= c.places() {", now: "if first == nil {",
			pkg: fanouts, test: "TestFanoutIsBounded",
		},
		{
			name: "latency binds the rate", file: "pkg/plugins/internal/line/reach.go",
			old: "r.perSecond*r.latency*headroom", now: "0*r.latency",
			pkg: lines, test: "TestReach",
		},
		{
			name: "latency binds the rate where none is wanted", file: "pkg/plugins/internal/line/line.go",
			old: "cmp.Or(o.PerSecond, unsaid)", now: "cmp.Or(o.PerSecond, 1)",
			pkg: lines, test: "TestReachWithoutARate",
		},
		{
			name: "the buffer binds what a handler works on", file: "pkg/push/pool.go",
			old: "return max(defaultBuffer, concurrency+concurrency/2)", now: "return defaultBuffer",
			pkg: domain, test: "TestAdapterBoundsWorkersAndBuffer",
		},
		{
			name: "APNs keeps to 720 requests", file: "pkg/plugins/apns/request.go",
			old: "MostInFlight: c.stretched, ", now: "",
			pkg: apns, test: "TestDefaultRequestsInFlight",
		},
		{
			name: "refusals forgotten while the latency stays", file: "pkg/plugins/internal/line/reach.go",
			old: "if l.now >= l.most || l.now > most {", now: "if l.now > 0 {",
			pkg: lines, test: "TestReach",
		},
		{
			name: "receipts served one after the other", file: "pkg/plugins/internal/fanout/crew.go",
			old: "c.rounds.MoveToBack(first)", now: "_ = first",
			pkg: fanouts, test: "TestFanoutServesInTurn",
		},
	}
}

// interrupting breaks how a command ends whose input is called off.
func interrupting() []mutant {
	return []mutant{
		{
			name: "interrupt taken for the end of the devices to import", file: "internal/device/import.go",
			old: "return e.fault\n", now: "return nil\n",
			pkg: devices, test: "TestImportIsCalledOff",
		},
		{
			name: "interrupt taken for a fault of a receipt", file: "internal/publish/receipts.go",
			old: "case errors.Is(err, context.Canceled):", now: "case false:",
			pkg: "./internal/publish", test: "TestInputIsCalledOff",
		},
	}
}

// finding breaks how the devices of many receipts are looked up.
func finding() []mutant {
	return []mutant{
		{
			name: "each look-up is a read of its own", file: "internal/device/loader.go",
			old: "n >= worthwhile ||", now: "n >= 1 ||",
			pkg: devices, test: "TestFewWaitForTheReadUnderWay",
		},
		{
			name: "look-up goes on when its receipt has ended", file: "internal/device/question.go",
			old: "context.AfterFunc(ctx, func() {", now: "context.AfterFunc(context.WithoutCancel(ctx), func() {",
			pkg: devices, test: "TestFind",
		},
	}
}

// stopping breaks how a lane stops when its provider fails, and how it resumes.
func stopping() []mutant {
	return []mutant{
		{
			name: "sending that was cut off counted as not begun", file: "internal/consumer/stop.go",
			old: "case errors.Is(err, push.ErrInterrupted):", now: "case false:",
			pkg: lanes, test: "TestInterruptedIsNotAFailure",
		},
		{
			name: "stores waited for beyond the grace", file: "internal/consumer/lane.go",
			old: "sleep.Past(ctx, l.grace+StoreMoment)", now: "sleep.Past(ctx, time.Hour)",
			pkg: lanes, test: "TestStopHasOneDeadline",
		},
		{
			name: "handler gets the grace anew", file: "internal/consumer/stop.go",
			old: "unfinished := l.stopHandler(ctx)", now: "ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*l.grace)\n\tdefer cancel()\n\tunfinished := l.stopHandler(ctx)",
			pkg: lanes, test: "TestStopHasOneDeadline",
		},
		{
			name: "questions to the broker outlive the stop", file: "internal/broker/end.go",
			old: "forget := context.AfterFunc(c.over, cancel)", now: "forget := context.AfterFunc(context.WithoutCancel(c.over), cancel)",
			pkg: brokers, test: "TestConnectionEnds",
		},
		{
			name: "stop without the broker taken for a clean one", file: "internal/worker/stopping.go",
			old: "held > 0 && !conn.Flushed()", now: "held < 0 && !conn.Flushed()",
			pkg: "./e2e", test: "TestStopWhenTheBrokerGoes",
		},
	}
}

// resting breaks what keeps idle workers from asking the broker.
func resting() []mutant {
	return []mutant{
		{
			name: "every process asks for its own gauges", file: "internal/broker/status/shared.go",
			old: "	case !mine:\n", now: "	case !mine && false:\n",
			pkg: brokers + "/status", test: "TestSharedIsAskedOnce",
		},
		{
			name: "broker asked for gauges that nobody reads", file: "internal/broker/status/shared.go",
			old: "case !read && age < restEvery && err == nil:", now: "case !read && age < restEvery && err != nil:",
			pkg: brokers + "/status", test: "TestSharedIsAskedOnce",
		},
		{
			name: "silent process leaves all without gauges", file: "internal/broker/status/shared.go",
			old: "return time.Since(s.heard) > s.patience ||", now: "return s.heard.IsZero() ||",
			pkg: brokers + "/status", test: "TestSharedIsAskedOnce",
		},
		{
			name: "idle lanes recorded every second", file: "internal/broker/topology/positions.go",
			old: "if p.open[lane] || p.failed {", now: "if took != nil || p.failed {",
			pkg: workers, test: "TestManyIdleWorkersAreQuiet",
		},
	}
}
