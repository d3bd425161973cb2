package main

// trouble breaks what a worker does and says when the broker is in trouble.
func trouble() []mutant {
	return []mutant{
		{
			name: "cluster that is starting ends the worker", file: "internal/broker/request.go",
			old: "case leaderless, streamOffline, durableOffline:", now: "case streamOffline, durableOffline:",
			pkg: "./internal/broker", test: "TestIsLeaderless",
		},
		{
			name: "cluster that still grows ends the worker", file: "internal/broker/persist.go",
			old: "return ok && (api.ErrorCode == noPeers ||", now: "return ok && (",
			pkg: "./internal/broker", test: "TestPersist",
		},
		{
			name: "broker's passing fault ends the lane", file: "internal/broker/queue/remake.go",
			old: " || isServerFault(err):", now: ":",
			pkg: brokers + "/topology", test: "TestADurableIsMadeAnewWhenTheBrokerCanAgain",
		},
		{
			name: "worker alive whose store is dead", file: "internal/worker/window.go",
			old: "if server == nil {", now: "if true {",
			pkg: "./internal/worker", test: "TestEmbeddedStoreThatCannotWrite",
		},
		{
			name: "worker ready whose broker stores nothing", file: "internal/worker/window.go",
			old: "return storing(seen.shards)", now: "return nil",
			pkg: "./internal/worker", test: "TestBrokerThatCannotWrite",
		},
	}
}
