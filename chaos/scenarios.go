package main

import "time"

// The scripts of the fake provider; docs/fakefcm.md has their language.
const (
	scriptDown    = `{"rules":[{"answer":"unavailable","retry_after":"none"}]}`
	scriptGateway = `{"rules":[{"answer":"bad-gateway-html"}]}`
	scriptStorm   = `{"rules":[{"probability":0.25,"answer":"quota-device","retry_after":"1-3"},` +
		`{"probability":0.25,"answer":"quota-project","retry_after":"date 2"}]}`
	scriptSlow   = `{"rules":[{"probability":0.9,"latency":"1500ms"},{"answer":"stall"}]}`
	scriptResets = `{"rules":[{"probability":0.2,"answer":"reset"},{"probability":0.2,"answer":"refuse"},{"probability":0.05,"answer":"cut"}]}`
	scriptGoAway = `{"rules":[{"probability":0.1,"answer":"goaway"},{"probability":0.02,"answer":"close"}]}`
	scriptAuth   = `{"rules":[{"answer":"auth"},{"endpoint":"token","answer":"unavailable"}]}`
)

// usual is the shape that most scenarios share.
func usual(workers int) shape {
	return shape{workers: workers, nodes: 1, rate: 300, latency: 20 * time.Millisecond, timeout: 10 * time.Second}
}

// with changes a shape.
func (s shape) with(change func(*shape)) shape {
	change(&s)
	return s
}

// scenarios are all there are, those that take longest first.
func scenarios() []scenario {
	return append(clusterScenarios(), append(brokerScenarios(), append(workerScenarios(), providerScenarios()...)...)...)
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

func providerScenarios() []scenario {
	s := usual(2)
	script := func(name, text string) func(p *planner) []step {
		return func(p *planner) []step {
			return []step{p.once(step{do: scriptFake, name: name, how: text}, p.scale.outage)}
		}
	}
	return []scenario{
		{
			"provider-down", "the provider answers 503, then 502",
			[]string{"T10"},
			s.with(func(s *shape) { s.maxCalls = 1 }),
			func(p *planner) []step {
				half := p.scale.outage * 9 / 10
				down := p.once(step{do: scriptFake, name: "503", how: scriptDown}, half)
				gate := step{at: down.at + down.long, do: scriptFake, name: "502", how: scriptGateway, long: half / 2}
				return []step{down, gate}
			},
		},
		{"provider-429", "half of all calls are refused with Retry-After", []string{"T11"}, s, script("429 storm", scriptStorm)},
		{
			"provider-slow", "the provider is slow, and sometimes does not answer at all",
			[]string{"T9", "T12"},
			s.with(func(s *shape) { s.timeout = 3 * time.Second }), script("slow", scriptSlow),
		},
		{
			"provider-resets", "streams and connections to the provider are reset",
			[]string{"T9"},
			s,
			func(p *planner) []step {
				return merge([]step{p.once(step{do: scriptFake, name: "resets", how: scriptResets}, p.scale.outage)},
					p.every(3*time.Second, func(int) step { return step{do: treatFake, how: "cut"} }))
			},
		},
		{
			"provider-goaway", "the provider sends its clients away, and leaves connections half-open",
			[]string{"T9"},
			s.with(func(s *shape) { s.timeout = 3 * time.Second }),
			func(p *planner) []step {
				ways := []string{"goaway", "freeze", "close"}
				first := p.IntN(len(ways))
				return merge([]step{p.once(step{do: scriptFake, name: "GOAWAY", how: scriptGoAway}, p.scale.outage)},
					p.every(3*time.Second, func(i int) step { return step{do: treatFake, how: ways[(first+i)%3]} }))
			},
		},
		{
			"credentials", "access tokens are revoked, then refused for a while",
			[]string{"T20"},
			s,
			func(p *planner) []step {
				refused := p.once(step{do: scriptFake, name: "401", how: scriptAuth}, p.scale.outage/2)
				refused.at += 3 * time.Second
				return merge([]step{refused}, p.every(p.scale.load/2-calm, func(int) step { return step{do: revokeTokens} }))
			},
		},
	}
}

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
