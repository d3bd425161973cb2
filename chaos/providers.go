package main

import "time"

// The scripts of the fake provider; docs/fakefcm.md has their language.
const (
	scriptDown    = `{"rules":[{"answer":"unavailable","retry_after":"none"}]}`
	scriptGateway = `{"rules":[{"answer":"bad-gateway-html"}]}`
	scriptStorm   = `{"rules":[{"probability":0.25,"answer":"quota-device","retry_after":"1-3"},` +
		`{"probability":0.25,"answer":"quota-project","retry_after":"date 2"}]}`
	// What a proxy answers, or the server of a wrong endpoint. None of it is FCM's.
	scriptForeign = `{"rules":[` +
		`{"probability":0.17,"status":405,"body":"<html>Method Not Allowed</html>","content_type":"text/html"},` +
		`{"probability":0.2,"answer":"not-found-html"},` +
		`{"probability":0.25,"status":400,"body":"Bad Request"},` +
		`{"probability":0.33,"status":451},` +
		`{"probability":0.5,"status":403,"body":"{\"error\":\"forbidden\"}","content_type":"application/json"},` +
		`{"status":200,"body":"<html>Welcome</html>","content_type":"text/html"}]}`
	scriptEmpty  = `{"rules":[{"status":200,"body":"{}","content_type":"application/json"}]}`
	scriptSlow   = `{"rules":[{"probability":0.9,"latency":"1500ms"},{"answer":"stall"}]}`
	scriptResets = `{"rules":[{"probability":0.2,"answer":"reset"},{"probability":0.2,"answer":"refuse"},{"probability":0.05,"answer":"cut"}]}`
	scriptGoAway = `{"rules":[{"probability":0.1,"answer":"goaway"},{"probability":0.02,"answer":"close"}]}`
	scriptAuth   = `{"rules":[{"answer":"auth"},{"endpoint":"token","answer":"unavailable"}]}`
)

func providerScenarios() []scenario {
	s := usual(2)
	script := func(name, text string) func(p *planner) []step {
		return func(p *planner) []step {
			return []step{p.once(step{do: scriptFake, name: name, how: text}, p.scale.outage)}
		}
	}
	return []scenario{
		{
			// The second outage outlasts the load, so that one worker takes what is left and
			// the others get nothing to probe with.
			"provider-down", "the provider answers 503, then 502, then 503 until after the load",
			[]string{"T10"},
			s.with(func(s *shape) { s.workers, s.maxCalls, s.ends = 3, 1, true }),
			func(p *planner) []step {
				half := p.scale.outage * 9 / 10
				down := p.once(step{do: scriptFake, name: "503", how: scriptDown}, half)
				gate := step{at: down.at + down.long, do: scriptFake, name: "502", how: scriptGateway, long: half / 4}
				last := step{at: p.scale.load - calm, do: scriptFake, name: "503", how: scriptDown, long: p.scale.outage / 2}
				return []step{down, gate, last}
			},
		},
		{
			"foreign-answers", "a proxy answers in the provider's place, then a server that accepts nothing says 200",
			[]string{"T10"},
			s.with(func(s *shape) { s.maxCalls = 1 }),
			func(p *planner) []step {
				half := p.scale.outage * 9 / 10
				proxy := p.once(step{do: scriptFake, name: "a proxy's answers", how: scriptForeign}, half)
				empty := step{at: proxy.at + proxy.long, do: scriptFake, name: "200 without an id", how: scriptEmpty, long: half / 2}
				return []step{proxy, empty}
			},
		},
		{"provider-429", "half of all calls are refused with Retry-After", []string{"T11"}, s, script("429 storm", scriptStorm)},
		{
			"provider-slow", "the provider is slow, and sometimes does not answer at all",
			[]string{"T9", "T12"},
			s.with(func(s *shape) { s.timeout = 3 * time.Second }), script("slow", scriptSlow),
		},
	}
}

// connectionScenarios are about the way to the provider, and its doorkeeper.
func connectionScenarios() []scenario {
	s := usual(2)
	return []scenario{
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
