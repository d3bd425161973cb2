package main

import (
	"slices"
	"time"
)

// usual is the shape that most scenarios share.
func usual(workers int) shape {
	return shape{workers: workers, nodes: 1, provider: "fcm", rate: 300, latency: 20 * time.Millisecond, timeout: 10 * time.Second}
}

// with changes a shape.
func (s shape) with(change func(*shape)) shape {
	change(&s)
	return s
}

// scenarios are all there are, those that take longest first.
func scenarios() []scenario {
	return slices.Concat(clusterScenarios(), machineScenarios(), brokerScenarios(), workerScenarios(), mistakeScenarios(), providerScenarios(), connectionScenarios(), appleScenarios(), webScenarios(), storeScenarios())
}

func workerScenarios() []scenario {
	return []scenario{
		{
			"worker-kill", "workers die of kill -9 in rotation",
			[]string{"T1"},
			usual(3),
			func(p *planner) []step {
				return p.inTurn(killWorker, 3, 2*time.Second, 0, 500*time.Millisecond)
			},
		},
		{
			"worker-replace", "workers are told to stop in rotation, as in a deployment",
			[]string{"T2"},
			usual(2),
			func(p *planner) []step { return p.inTurn(replaceWorker, 2, 2*time.Second, 0, 0) },
		},
		{
			"worker-freeze", "workers stand still for longer than the broker waits",
			[]string{"T1"},
			usual(3),
			func(p *planner) []step {
				return p.inTurn(freezeWorker, 3, p.scale.frozen, p.scale.frozen*9/10, p.scale.frozen)
			},
		},
		{
			"embedded-kill", "worker and broker are one process, and die together",
			[]string{"T6", "T7"},
			usual(1).with(func(s *shape) { s.nodes = 0 }),
			func(p *planner) []step {
				return p.inTurn(killWorker, 1, 2500*time.Millisecond, 0, 300*time.Millisecond)
			},
		},
	}
}

func brokerScenarios() []scenario {
	kill := func(p *planner) []step {
		return p.inTurn(killBroker, 1, 2500*time.Millisecond, 0, 500*time.Millisecond)
	}
	return []scenario{
		{"broker-kill-1", "the broker dies while one worker lives", []string{"T5", "T7"}, usual(1), kill},
		{"broker-kill-3", "the broker dies while three workers live", []string{"T5", "T7"}, usual(3), kill},
		{
			"broker-restart", "the broker is told to stop, and starts again",
			[]string{"T5", "T7"},
			usual(3),
			func(p *planner) []step { return p.inTurn(restartBroker, 1, 3*time.Second, 0, time.Second) },
		},
		{
			"broker-freeze", "the broker stands still for longer than it waits for workers",
			[]string{"T5"},
			usual(3),
			func(p *planner) []step { return []step{p.once(step{do: freezeBroker}, p.scale.frozen)} },
		},
	}
}

// machineScenarios are about networks, disks and clocks.
func machineScenarios() []scenario {
	return []scenario{
		{
			"cut", "workers lose the network in rotation, for longer than the broker waits",
			[]string{"T8"},
			usual(2).with(func(s *shape) { s.cuttable = true }),
			func(p *planner) []step {
				return p.every(p.scale.cut, func(i int) step {
					return step{do: cutLink, who: i % 2, long: p.between(p.scale.cut*9/10, p.scale.cut), how: "both"}
				})
			},
		},
		{
			"half-open", "packets between worker and broker get through in one direction only",
			[]string{"T8"},
			usual(2).with(func(s *shape) { s.cuttable = true }),
			func(p *planner) []step {
				first := p.IntN(2)
				return p.every(p.scale.cut, func(i int) step {
					way := []string{"to broker", "to worker"}[(first+i)%2]
					return step{do: cutLink, who: p.IntN(2), long: p.between(p.scale.cut*9/10, p.scale.cut), how: way}
				})
			},
		},
		{
			"disk-full", "the broker's disk fills up, and has room again",
			[]string{"T17"},
			usual(2).with(func(s *shape) { s.disk = true }),
			func(p *planner) []step { return []step{p.once(step{do: fillDisk}, p.scale.outage)} },
		},
		{
			"clock", "the clocks of workers and broker jump by an hour",
			[]string{"T19"},
			usual(2).with(func(s *shape) { s.clock, s.ttl = true, 6*time.Hour }), clockPlan,
		},
	}
}

func clockPlan(p *planner) []step {
	jumps := []string{"3600", "-3600"}
	p.Shuffle(len(jumps), func(i, j int) { jumps[i], jumps[j] = jumps[j], jumps[i] })
	length := p.scale.load / 5
	failing := step{
		at: calm, do: scriptFake, long: p.scale.load - 3*calm, name: "fails now and then",
		how: `{"rules":[{"probability":0.1,"answer":"internal"}]}`,
	}
	// The broker's comes first: later it would make retries due that a worker has put
	// off by an hour. If it is ahead it stays so: set back, it would be an hour late
	// with what it was to do meanwhile, which is so with every broker.
	if jumps[0][0] == '-' {
		// Nothing is put off while it is behind and a worker may not know: nats-server
		// waits for the first schedule with one timer, and does not set that anew when its
		// clock is set right, so that all retries would wait for the hour.
		failing.at, failing.long = calm+length, failing.long-length
	}
	return merge([]step{failing}, p.every(length, func(i int) step {
		if i == 0 {
			s := step{do: moveBroker, how: jumps[0]}
			if s.how[0] == '-' {
				s.long = length * 2 / 5
			}
			return s
		}
		return step{do: moveWorker, who: i % 2, long: length * 2 / 5, how: jumps[i%2]}
	}))
}
