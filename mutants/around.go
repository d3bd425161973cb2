package main

// retrying breaks what is decided about failures.
func retrying() []mutant {
	return []mutant{
		{
			name: "nak counted as an attempt", file: "internal/retry/policy.go",
			old: "return Decision{Verdict: Redeliver, Delay: delay}\n", now: "return Decision{Verdict: Redeliver, Delay: delay, Counted: true}\n",
			pkg: lanes, test: "TestOutage",
		},
		{
			name: "failure not counted as an attempt", file: "internal/retry/policy.go",
			old: "return Decision{Verdict: Redeliver, Delay: delay, Counted: true}", now: "return Decision{Verdict: Redeliver, Delay: delay}",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "one attempt too many", file: "internal/retry/policy.go",
			old: "case o.Attempts >= p.MaxAttempts:", now: "case o.Attempts > p.MaxAttempts:",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "Retry-After ignored by the policy", file: "internal/retry/policy.go",
			old: "ok && after.After > 0 {", now: "ok && after.After < 0 {",
			pkg: policies, test: "TestDecide",
		},
		{
			name: "error acknowledged", file: "internal/retry/policy.go",
			old: "return Decision{Verdict: Bury, Reason: Rejected}", now: "return Decision{Verdict: Ack}",
			pkg: lanes, test: "TestModel",
		},
		{
			name: "hand-back without a pause", file: "internal/retry/policy.go",
			old: "handBackFloor  = 100 * time.Millisecond", now: "handBackFloor  = 0",
			pkg: lanes, test: "TestDropOnBlock",
		},
	}
}

// outside breaks what lies around the lanes: the broker, the handlers, the
// directory and the publisher.
func outside() []mutant {
	return []mutant{
		{
			name: "retry without its dedup id", file: "internal/broker/queue/scheduler.go",
			old: "m.Header.Set(jetstream.MsgIDHeader, r.Handler+", now: "m.Header.Set(\"X\", r.Handler+",
			pkg: brokers + "/queue", test: "TestSchedulingTheSameAttemptTwiceStoresItOnce",
		},
		{
			name: "letter without its dedup id", file: "internal/broker/wire/letter.go",
			old: "h.Set(jetstream.MsgIDHeader, OneLine(l.ID, MaxErrorText))", now: "_ = l.ID",
			pkg: brokers + "/queue", test: "TestBuryingTwiceIsOneLetter",
		},
		{
			name: "chat server answers wherever it is asked to", file: "pkg/publisher/devices/answer.go",
			old: "if !isInbox(m.Reply) {", now: "if m.Reply == \"\" {",
			pkg: importer, test: "TestAnswersGoToInboxesOnly",
		},
		{
			name: "chat server quotes its database to workers", file: "pkg/publisher/devices/answer.go",
			old: "return &Error{codeUnavailable, \"the chat server's directory cannot answer now: see the chat server's log\"}",
			now: "return &Error{codeUnavailable, err.Error()}",
			pkg: importer, test: "TestADirectoryThatFails",
		},
		{
			name: "conversation spread over streams", file: "pkg/publisher/shard.go",
			old: "key := r.Payload.Topic", now: "key := \"\"",
			pkg: importer, test: "TestPublishToSeveralStreams",
		},
		{
			name: "publisher forgets its dedup id", file: "pkg/publisher/publisher.go",
			old: "ID(id)(msg)", now: "_ = id",
			pkg: importer, test: "TestTriesShareOneID",
		},
		{
			name: "waiting receipts not handed back at a stop", file: "pkg/push/pool.go",
			old: "} else if r != nil {\n\t\t\t\tr.Done(ErrNotStarted)", now: "} else if r != nil {\n\t\t\t\t_ = r",
			pkg: lanes, test: "TestUnstartedIsHandedBack",
		},
	}
}
