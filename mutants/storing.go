package main

// storing breaks what a lane does while nothing can be stored.
func storing() []mutant {
	return []mutant{
		{
			name: "recipient that cannot be read comes back with the rest", file: "internal/consumer/intake.go",
			old: "d.data, d.origin.Narrowed = rest, true", now: "_, d.origin.Narrowed = rest, true",
			pkg: lanes, test: "TestUnreadableRecipientIsOneLetter",
		},
		{
			name: "what a full store refuses not kept in hand", file: "internal/consumer/storage.go",
			old: "if err == nil || tooLarge && !s.final {", now: "if err == nil || err != nil {",
			pkg: lanes, test: "TestFullStoresRepeatNothing",
		},
		{
			name: "receipt that rests for long waits at the broker", file: "internal/consumer/doors.go",
			old: "decision.Delay > longestNak || ", now: "",
			pkg: lanes, test: "TestLongRestIsStored",
		},
		{
			name: "stopping lane keeps to the limit of retries", file: "internal/consumer/split.go",
			old: "r.Last = true", now: "r.Last = false",
			pkg: lanes, test: "TestStopWhileStoresAreFull",
		},
		{
			name: "what is too large tried for ever", file: "internal/consumer/storage.go",
			old: "if err == nil || tooLarge && !s.final {", now: "if err == nil {",
			pkg: lanes, test: "TestTooLargeToStoreIsBuried",
		},
		{
			name: "receipt whose letter is too large for the broker tried again", file: "internal/consumer/storage.go",
			old: "tooLarge && !s.final {", now: "tooLarge {",
			pkg: lanes, test: "TestTooLargeInAnyForm",
		},
		{
			name: "half of what is too large forgotten", file: "internal/consumer/split.go",
			old: "for _, half := range halves(whole) {", now: "for i, half := range halves(whole) {\n\t\tif i > 0 {\n\t\t\tcontinue\n\t\t}",
			pkg: lanes, test: "TestTooLargeToStoreIsSplit",
		},
		{
			name: "retry stored that no lane can read", file: "internal/consumer/split.go",
			old: "if !d.lane.reads(r.Data) {", now: "if d.lane == nil {",
			pkg: lanes, test: "TestLedgerDoesNotOutgrowTheLimits",
		},
		{
			name: "parts of a retry taken for one", file: "internal/broker/queue/scheduler.go",
			old: `id += "-" + r.Part`, now: `id += ""`,
			pkg: brokers + "/queue", test: "TestPartsOfARetryAreSeveral",
		},
	}
}

// filling breaks what a full store means.
func filling() []mutant {
	return []mutant{
		{
			name: "ready although retries cannot be stored", file: "internal/consumer/lane.go",
			old: "l.retries.fault(l.name)", now: "error(nil)",
			pkg: lanes, test: "TestStoresRefuse",
		},
		{
			name: "full stream of retries cannot drain", file: "internal/broker/queue/scheduler.go",
			old: "&& !r.Last && r.Origin.Stream != s.stream", now: "&& !r.Last",
			pkg: brokers + "/queue", test: "TestScheduleBeyondTheLimit",
		},
	}
}
