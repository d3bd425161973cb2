package main

// shards breaks what tells several streams of receipts apart.
func shards() []mutant {
	return []mutant{
		{
			name: "messages of a full request lost in a cluster", file: "internal/broker/queue/pull.go",
			old: "if r.n -= missing; r.n <= 0 {", now: "if r.n -= missing; true {",
			pkg: brokers + "/queue", test: "TestRequestsThatAreFullInACluster",
		},
		{
			name: "fewer streams taken for all", file: "internal/broker/topology/shards.go",
			old: "if err != nil || there <= mine {", now: "if err != nil || there > 0 {",
			pkg: brokers + "/topology", test: "TestFewerStreamsThanThereAre",
		},
		{
			name: "last of three streams forgotten with the second", file: "internal/broker/topology/shards.go",
			old: "for t.shard = there - 1; t.shard >= mine; t.shard-- {", now: "for t.shard = mine; t.shard == mine; t.shard++ {",
			pkg: brokers + "/topology", test: "TestFewerStreamsThanThereAre",
		},
		{
			name: "backlog of the last stream shown for all", file: "internal/broker/status/stats.go",
			old: "[max(0, i-retries+1)] += info.NumPending", now: "[max(0, i-retries+1)] = info.NumPending",
			pkg: brokers + "/topology", test: "TestOneStreamGrowsToSeveral",
		},
		{
			name: "position of a stream kept as that of the first", file: "internal/broker/topology/bucket.go",
			old: "wire.LanesPrefix + t.Receipts() + ", now: "wire.LanesPrefix + t.Stream + ",
			pkg: brokers + "/topology", test: "TestPositionsOfEachStream",
		},
	}
}
