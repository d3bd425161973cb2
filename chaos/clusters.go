package main

import "time"

func clusterScenarios() []scenario {
	cluster := usual(2).with(func(s *shape) { s.nodes, s.rate = 3, 150 })
	return []scenario{
		{
			"cluster", "the nodes of a cluster die one at a time",
			[]string{"T30"},
			cluster,
			func(p *planner) []step {
				return p.inTurn(killBroker, 3, 5*time.Second, time.Second, 2*time.Second)
			},
		},
		{
			"cluster-leader", "the leader of the stream dies, and its successor",
			[]string{"T30"},
			cluster,
			func(p *planner) []step {
				return p.every(5*time.Second, func(int) step {
					return step{do: killLeader, long: p.between(time.Second, 2*time.Second)}
				})
			},
		},
		{
			"everything", "all of it at once, on a cluster",
			[]string{"T1", "T2", "T5", "T8", "T10", "T11", "T30"},
			cluster.with(func(s *shape) { s.workers, s.cuttable, s.timeout = 3, true, 3*time.Second }), everything,
		},
	}
}

func everything(p *planner) []step {
	storm := p.once(step{do: scriptFake, name: "429 storm", how: scriptStorm}, p.scale.outage/2)
	down := step{at: storm.at + storm.long, do: scriptFake, name: "503", how: scriptDown, long: p.scale.outage / 2}
	return merge(
		[]step{storm, down},
		p.inTurn(killWorker, 3, 4*time.Second, 0, 500*time.Millisecond),
		p.inTurn(restartWorker, 3, 5*time.Second, 0, 500*time.Millisecond),
		p.every(p.scale.cut, func(int) step {
			return step{do: cutLink, who: p.IntN(3), long: p.between(p.scale.cut/2, p.scale.cut), how: p.direction()}
		}),
		p.inTurn(killBroker, 3, 5*time.Second, time.Second, 2*time.Second),
		p.every(4*time.Second, func(int) step { return step{do: treatFake, how: "cut"} }),
	)
}
