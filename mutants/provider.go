package main

// provider breaks what is made of FCM's answers.
func provider() []mutant {
	return []mutant{
		{
			name: "dead token kept", file: "pkg/plugins/fcm/handler.go",
			old: "case a.fate == gone && !t.isChannel():", now: "case a.fate == gone && t.isChannel():",
			pkg: fcm, test: "TestNeighbours",
		},
		{
			name: "Retry-After ignored by FCM", file: "pkg/plugins/fcm/classify.go",
			old: "header = strings.TrimSpace(header)", now: "header = header[:0]",
			pkg: fcm, test: "TestClassify",
		},
		{
			name: "a proxy's answer taken for FCM's", file: "pkg/plugins/fcm/classify.go",
			old: "a := answer{fate: again, scope: all, innocent: true, code: httpCode(r.status)}", now: "a := answer{fate: rejected, code: httpCode(r.status)}",
			pkg: fcm, test: "TestForeignAnswers",
		},
		{
			name: "accepted without FCM's id", file: "pkg/plugins/fcm/classify.go",
			old: "sdk == nil && isMessageID(id):", now: "sdk == nil:",
			pkg: fcm, test: "TestForeignAnswers",
		},
		{
			name: "one device's trouble taken for everybody's", file: "pkg/plugins/fcm/evidence.go",
			old: "if answers < enoughAnswers || targets < enoughTargets && !e.isStill(a, now) {", now: "if answers, targets = enoughAnswers, enoughTargets; answers < enoughAnswers || targets < enoughTargets {",
			pkg: fcm, test: "TestNeighboursOfOne",
		},
		{
			name: "a foreign answer counted as an attempt", file: "pkg/plugins/fcm/evidence.go",
			old: "a.tried = first", now: "_ = first",
			pkg: fcm, test: "TestForeignAnswers",
		},
		{
			name: "a listed id silences other users' devices", file: "pkg/plugins/fcm/targets.go",
			old: "tokens[d.Token]", now: "tokens[d.ID]",
			pkg: fcm, test: "TestListedElsewhere",
		},
		{
			name: "device that has the packet told again", file: "pkg/plugins/fcm/tally.go",
			old: "t.taken = append(t.taken, to.device)\n\tcase gone:", now: "case gone:",
			pkg: fcm, test: "TestManyDevicesOfOneUser",
		},
	}
}
