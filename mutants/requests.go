package main

// requesting breaks where requests go, and to whom an answer.
func requesting() []mutant {
	return []mutant{
		{
			name: "requests asked of the nearest JetStream", file: "internal/broker/domain.go",
			old: "return c.api + rest", now: "return defaultAPI + rest",
			pkg: workers, test: "TestStreamsElsewhere",
		},
		{
			name: "keys written beside the prefix", file: "internal/broker/domain.go",
			old: "return c.api + subject", now: "return subject",
			pkg: workers, test: "TestStreamsElsewhere",
		},
		{
			name: "device requests answered on any subject", file: "internal/broker/requests/service.go",
			old: "if m.Reply != \"\" && !IsInbox(m.Reply) {", now: "if false {",
			pkg: brokers + "/devices", test: "TestAnswersGoToInboxesOnly",
		},
		{
			name: "questions about the service answered on any subject", file: "internal/broker/requests/discovery.go",
			old: "answer != nil && IsInbox(m.Reply)", now: "answer != nil && m.Reply != \"\"",
			pkg: brokers + "/devices", test: "TestAnswersGoToInboxesOnly",
		},
	}
}
