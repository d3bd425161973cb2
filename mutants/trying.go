package main

// trying breaks test pushes, and what waits for answers that take their time.
func trying() []mutant {
	return []mutant{
		{
			name: "test token taken twice", file: "internal/broker/devices/trial.go",
			old: "case !known.Returned.IsZero():", now: "case false:",
			pkg: brokers + "/devices", test: "TestTestTokenComesBackOnce",
		},
		{
			name: "test push clears the badge", file: "pkg/push/tester.go",
			old: "{Unread: -1}", now: "{Unread: 0}",
			pkg: fcm, test: "TestTestPushBringsItsToken",
		},
		{
			name: "token's life counted from the answer", file: "pkg/plugins/internal/credential/source.go",
			old: "max(next-now.Sub(began),", now: "max(next,",
			pkg: tickets, test: "TestRenewedInTime",
		},
		{
			name: "large answer over a slow line cut off", file: "internal/broker/directget.go",
			old: "silence.Reset(RequestTimeout)", now: "_ = silence",
			pkg: brokers, test: "TestAnswerOverASlowLine",
		},
	}
}
