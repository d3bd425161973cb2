package main

// provider breaks what is made of FCM's answers.
func provider() []mutant {
	return []mutant{
		{
			name: "dead token kept", file: "pkg/plugins/internal/fanout/send.go",
			old: "case a.Fate != line.Gone || t.isChannel():", now: "case true:",
			pkg: fcm, test: "TestNeighbours",
		},
		{
			name: "Retry-After ignored by FCM", file: "pkg/plugins/internal/line/exchange.go",
			old: "header := strings.TrimSpace(x.Field(\"Retry-After\"))", now: "header := strings.TrimSpace(\"\")",
			pkg: fcm, test: "TestClassify",
		},
		{
			name: "a proxy's answer taken for FCM's", file: "pkg/plugins/internal/line/exchange.go",
			old: "a := Answer{Fate: Again, Scope: All, Innocent: true,", now: "a := Answer{Fate: Rejected,",
			pkg: fcm, test: "TestForeignAnswers",
		},
		{
			name: "accepted without FCM's id", file: "pkg/plugins/fcm/classify.go",
			old: "x.Status == http.StatusOK && isMessageID(messageID(x.Body)):", now: "x.Status == http.StatusOK:",
			pkg: fcm, test: "TestForeignAnswers",
		},
		{
			name: "one device's trouble taken for everybody's", file: "pkg/plugins/internal/line/evidence.go",
			old: "if answers < enoughAnswers || keys < enoughTargets && !e.isStill(a, now) {", now: "if answers, keys = enoughAnswers, enoughTargets; answers < enoughAnswers || keys < enoughTargets {",
			pkg: fcm, test: "TestNeighboursOfOne",
		},
		{
			name: "devices removed by a process that has reached nobody", file: "pkg/plugins/internal/line/evidence.go",
			old: "if !doubts.refuted.Load() {", now: "if doubts == nil {",
			pkg: lines, test: "TestWrongProjectFromTheStart",
		},
		{
			name: "a channel's subscribers taken for devices of ours", file: "pkg/plugins/internal/line/evidence.go",
			old: "if !c.Public {", now: "if c != nil {",
			pkg: lines, test: "TestWrongProjectFromTheStart",
		},
		{
			name: "a foreign answer counted as an attempt", file: "pkg/plugins/internal/line/evidence.go",
			old: "a.Tried = first", now: "_ = first",
			pkg: fcm, test: "TestForeignAnswers",
		},
	}
}

// lining breaks what is made of requests without an answer.
func lining() []mutant {
	return []mutant{
		{
			name: "what the provider has not processed counted as an attempt", file: "pkg/plugins/internal/line/exchange.go",
			old: "a.Tried, a.unprocessed = false, true", now: "a.unprocessed = true",
			pkg: lines, test: "TestUnprocessedIsNoAttempt",
		},
		{
			name: "refused stream not repeated", file: "pkg/plugins/internal/line/wire.go",
			old: "Repeats: repeats,", now: "Repeats: 0 * repeats,",
			pkg: fcm, test: "TestRefusedStreams",
		},
		{
			name: "connection left open on which a request was given up", file: "pkg/plugins/internal/line/wire.go",
			old: "	w.calls.HangUp()\n", now: "",
			pkg: lines, test: "TestNoConnectionIsLeft",
		},
		{
			name: "request in no hand not given up", file: "pkg/plugins/internal/line/post.go",
			old: "if p.given.Load() {", now: "if false {",
			pkg: lines, test: "TestWireGivesUp",
		},
		{
			name: "open requests not given up when the handler stops", file: "pkg/plugins/internal/line/crowd.go",
			old: "for p := range posts {\n\t\tp.giveUp()", now: "for p := range posts {\n\t\t_ = p",
			pkg: lines, test: "TestRootEnds",
		},
		{
			name: "answers settled by who reads them", file: "pkg/plugins/internal/line/settle.go",
			old: "go s.run()", now: "s.run()",
			pkg: lines, test: "TestAnswersAreSettledElsewhere",
		},
		{
			name: "answer settled twice", file: "pkg/plugins/internal/line/settle.go",
			old: "	end.next = nil\n", now: "",
			pkg: lines, test: "TestSettlersTakeEachOnce",
		},
	}
}

// telling breaks whom a provider is asked to tell.
func telling() []mutant {
	return []mutant{
		{
			name: "a listed id silences other users' devices", file: "pkg/plugins/internal/fanout/targets.go",
			old: "tokens[d.Token]", now: "tokens[d.ID]",
			pkg: fcm, test: "TestListedElsewhere",
		},
		{
			name: "device that has the packet told again", file: "pkg/plugins/internal/fanout/tally.go",
			old: "t.taken = append(t.taken, to)\n\tcase line.Gone:", now: "case line.Gone:",
			pkg: fcm, test: "TestManyDevicesOfOneUser",
		},
	}
}
