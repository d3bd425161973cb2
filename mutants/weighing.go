package main

// weighing breaks what bounds the memory of a lane.
func weighing() []mutant {
	return []mutant{
		{
			name: "lane takes receipts without counting their bytes", file: "internal/consumer/pull.go",
			old: "p.bytes -= d.weighs(weight(m, o))", now: "_ = weight(m, o)",
			pkg: lanes, test: "TestHeldBytesAreBounded",
		},
		{
			name: "lane asks for any number of bytes", file: "internal/consumer/pull.go",
			old: "bytes = max(1, (int(want)-n*perMessage)/perByte)", now: "bytes = 0",
			pkg: lanes, test: "TestHeldBytesAreBounded",
		},
		{
			name: "recipients weigh nothing", file: "internal/consumer/intake.go",
			old: "in.room.take(d.weighs(decodedWeight(r, bad)))", now: "_ = decodedWeight(r, bad)",
			pkg: lanes, test: "TestHeldIsCounted",
		},
		{
			name: "bytes never free again", file: "internal/consumer/doors.go",
			old: "d.in.room.release(d.weight.Load())", now: "_ = d.weight.Load()",
			pkg: lanes, test: "TestLargerThanTheBound",
		},
		{
			name: "bytes of requests that overlap not reserved", file: "internal/consumer/pull.go",
			old: "want > 0 && p.in.room.try(want) != nil", now: "want > want && p.in.room.try(want) != nil",
			pkg: lanes, test: "TestManyRecipientsCountAsWhatTheyTake",
		},
		{
			name: "what was on its way to a stopped pull comes again", file: "internal/broker/queue/retire.go",
			old: "p.settle()\n\t}", now: "}",
			pkg: brokers + "/queue", test: "TestStoppedPullIsNoDelivery",
		},
		{
			name: "used up bytes not noticed", file: "internal/broker/queue/request.go",
			old: "r.spent = r.bytes <= 0", now: "r.spent = false",
			pkg: brokers + "/queue", test: "TestPullKeepsToItsBytes",
		},
	}
}
