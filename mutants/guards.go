package main

// guards breaks what keeps one role from using the rights of another, and what keeps
// damage from being taken for emptiness.
func guards() []mutant {
	return []mutant{
		{
			name: "headers of a forged retry believed", file: "internal/broker/wire/retry.go",
			old: "if h.Get(headerHandler) != handler {", now: "if false {",
			pkg: brokers + "/queue", test: "TestForgedRetryIsNotBelieved",
		},
		{
			name: "forged letter redriven", file: "internal/deadletter/redrive.go",
			old: "case l.Foreign:", now: "case false:",
			pkg: brokers + "/letters", test: "TestForgedLetterIsNotBelieved",
		},
		{
			name: "damaged device list taken for an empty one", file: "internal/device/list.go",
			old: "return nil, damaged(user)", now: "return nil, nil",
			pkg: devices, test: "TestDamagedListLosesNothing",
		},
		{
			name: "damaged claim to a token taken for none", file: "internal/device/claim.go",
			old: "err != nil || c.User == 0 {", now: "err != nil {",
			pkg: devices, test: "TestDamagedClaimLetsNobodyHaveTheToken",
		},
		{
			name: "user whose devices cannot be read counted as without", file: "pkg/plugins/internal/fanout/tally.go",
			old: "if damaged == nil {", now: "if true {",
			pkg: fcm, test: "TestDamagedUserWaitsAndOthersAreTold",
		},
		{
			name: "inbox prefix ignored", file: "internal/worker/topology.go",
			old: "o.InboxPrefix = c.NATS.InboxPrefix\n", now: "",
			pkg: "./internal/worker", test: "TestProducerHearsNothingOfOthers",
		},
		{
			name: "no socket for the same user where the address is open", file: "internal/admin/server.go",
			old: "if local || o.Socket == \"\" {", now: "if true {",
			pkg: "./internal/admin", test: "TestSocketLetsTheSameUserIn",
		},
		{
			name: "log level set by anybody", file: "internal/admin/routes.go",
			old: "guard(logLevel(o.SetLevel))", now: "logLevel(o.SetLevel)",
			pkg: "./internal/admin", test: "TestGuard",
		},
	}
}
