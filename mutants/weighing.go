package main

// weighing breaks what bounds the memory of a lane.
func weighing() []mutant {
	return []mutant{
		{
			name: "lane takes receipts without counting their bytes", file: "internal/consumer/intake.go",
			old: "p.bytes -= d.weighs(weight(m, &o))", now: "_ = weight(m, &o)",
			pkg: lanes, test: "TestHeldBytesAreBounded",
		},
		{
			name: "lane asks for any number of bytes", file: "internal/consumer/intake.go",
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
			name: "more asked for after a full pull", file: "internal/broker/queue/pull.go",
			old: "case r.over():", now: "case false:",
			pkg: brokers + "/queue", test: "TestPullKeepsToItsBytes",
		},
		{
			name: "used up bytes not noticed", file: "internal/broker/queue/pull.go",
			old: "r.cut = r.bytes <= 0", now: "r.cut = false",
			pkg: brokers + "/queue", test: "TestPullKeepsToItsBytes",
		},
	}
}
