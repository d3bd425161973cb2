package main

// topology breaks how lanes keep their place when the broker's objects are lost.
func topology() []mutant {
	return []mutant{
		{
			name: "deleted durable starts with the oldest receipt", file: "internal/broker/topology/start.go",
			old: "case known && p.Stream.Equal(info.Created):", now: "case known && p.Stream.Equal(info.Created) && word == \"\" && p.Settled == 0:",
			pkg: brokers + "/topology", test: "TestADeletedDurableGoesOnAfterARestart",
		},
		{
			name: "new lane sends history", file: "internal/broker/topology/start.go",
			old: "case info.State.Msgs == 0:", now: "case true:",
			pkg: brokers + "/topology", test: "TestANewLaneStartsWhereItIsTold",
		},
		{
			name: "position of another stream believed", file: "internal/broker/topology/start.go",
			old: "case known && p.Stream.Equal(info.Created):", now: "case known:",
			pkg: brokers + "/topology", test: "TestARecordedPositionIsOfOneStreamOnly",
		},
		{
			name: "deleted durable not made anew", file: "internal/broker/queue/source.go",
			old: "return s.remake(ctx)", now: "return nil",
			pkg: brokers + "/topology", test: "TestADurableIsMadeAnewUnderARunningLane",
		},
		{
			name: "abandoned lane not shown", file: "internal/broker/status/stats.go",
			old: "if !other.Abandoned {", now: "if true {",
			pkg: brokers + "/status", test: "TestAbandonedLanesAreShown",
		},
		{
			name: "lane of another worker called abandoned", file: "internal/broker/topology/others.go",
			old: "return !p.Left && now", now: "return p.Left && now",
			pkg: brokers + "/status", test: "TestLanesThatOthersRunAreNotAbandoned",
		},
		{
			name: "retired lane remembered", file: "internal/broker/lanes/retire.go",
			old: "return topology.ForgetPosition(ctx, c, t, name)", now: "return nil",
			pkg: brokers + "/lanes", test: "TestRetireLane",
		},
		{
			name: "lost devices made anew", file: "internal/worker/directory.go",
			old: "if !w.Config.DevicesCreate && w.Config.Directory == config.InKV {", now: "if false && w.Config.Directory == config.InKV {",
			pkg: workers, test: "TestLostDevicesEndAStart",
		},
		{
			name: "users of a lost bucket without devices", file: "internal/broker/devices/store.go",
			old: "if err := s.sameBucket(ctx); err != nil {", now: "if false {",
			pkg: brokers + "/devices", test: "TestALostBucketIsNoUserWithoutDevices",
		},
	}
}
