package main

// apple breaks what the handler for Apple's devices promises.
func apple() []mutant {
	return []mutant{
		{
			name: "message sent to a token for calls", file: "pkg/plugins/apns/message.go",
			old: "if !rings {\n\t\t\treturn", now: "if false {\n\t\t\treturn",
			pkg: apns, test: "TestOnePhone",
		},
		{
			name: "call rings twice on one phone", file: "pkg/plugins/apns/message.go",
			old: "if rings && other.ID == d.ID", now: "if !rings && other.ID == d.ID",
			pkg: apns, test: "TestOnePhone",
		},
		{
			name: "call tried after the ring", file: "pkg/plugins/internal/notice/settings.go",
			old: "return min(s.TimeToLive, cmp.Or(s.ring, ringTTL))", now: "return s.TimeToLive",
			pkg: apns, test: "TestRing",
		},
	}
}

// appleConnections breaks how tokens and connections are used for Apple.
func appleConnections() []mutant {
	return []mutant{
		{
			name: "connection changes its token too soon", file: "pkg/plugins/apns/auth.go",
			old: "time.Since(was.issued) >= keep:", now: "true:",
			pkg: apns, test: "TestTokensOfADay",
		},
		{
			name: "processes show different tokens", file: "pkg/plugins/apns/auth.go",
			old: "issued: now.Truncate(grid)", now: "issued: now.Truncate(time.Second)",
			pkg: apns, test: "TestTokensOfADay",
		},
		{
			name: "connection shown the token of another key", file: "pkg/plugins/apns/auth.go",
			old: "was.spent.Load() || was.key != is.key:", now: "was.spent.Load():",
			pkg: apns, test: "TestKeyReplaced",
		},
		{
			name: "expired provider token not replaced", file: "pkg/plugins/apns/auth.go",
			old: "a.early.Store(true)", now: "a.early.Store(false)",
			pkg: apns, test: "TestExpired",
		},
		{
			name: "connection that Apple refuses used on", file: "pkg/plugins/apns/request.go",
			old: "x.Retire()", now: "_ = x",
			pkg: apns, test: "TestConnectionGivenUp",
		},
		{
			name: "connection not primed", file: "pkg/plugins/internal/h2post/conn.go",
			old: "if cn.client.o.Prime && !cn.primed {", now: "if cn.client.o.Prime && cn.primed {",
			pkg: posts, test: "TestPrime",
		},
		{
			name: "retired connection takes more", file: "pkg/plugins/internal/h2post/request.go",
			old: "a.conn.drain()", now: "_ = a.conn",
			pkg: posts, test: "TestRetire",
		},
		{
			name: "connection takes a head that it must not", file: "pkg/plugins/internal/h2post/conn.go",
			old: "head = move(cn.head, head)", now: "_ = move(cn.head, head)",
			pkg: posts, test: "TestMove",
		},
	}
}

// appleAnswers breaks what Apple's answers mean.
func appleAnswers() []mutant {
	return []mutant{
		{
			name: "mix-up of environments empties the directory", file: "pkg/plugins/apns/answer.go",
			old: "Doubt: errMixedUp, Code: codeBadToken}", now: "Code: codeBadToken}",
			pkg: apns, test: "TestSandboxMixUp",
		},
		{
			name: "device gone as of now, whatever Apple says", file: "pkg/plugins/apns/answer.go",
			old: "v.AsOf = time.UnixMilli(r.Timestamp)", now: "v.AsOf = now",
			pkg: apns, test: "TestDeadToken",
		},
		{
			name: "200 of somebody else taken for Apple's", file: "pkg/plugins/apns/answer.go",
			old: `x.Header != nil && x.Header.Get("apns-id") != ""`, now: "x.Header != nil",
			pkg: apns, test: "TestAcceptedIsProven",
		},
		{
			name: "new apns-id in every attempt", file: "pkg/plugins/apns/request.go",
			old: `if id := r.Delivery().ID(); id != "" {`, now: `if id := r.Delivery().ID(); id == "-" {`,
			pkg: apns, test: "TestMessageID",
		},
		{
			name: "token for calls counted with every message", file: "pkg/plugins/internal/fanout/tally.go",
			old: `case d.More().Kind != "":`, now: `case d.ID == "":`,
			pkg: fanouts, test: "TestSparedDevice",
		},
		{
			name: "renderer's choice of devices ignored", file: "pkg/plugins/internal/fanout/targets.go",
			old: "if by == nil {\n\t\treturn \"\"", now: "if true {\n\t\treturn \"\"",
			pkg: fanouts, test: "TestSparedDevice",
		},
		{
			name: "size of a separator undercounted", file: "pkg/plugins/internal/notice/shrink.go",
			old: "size += 3 // escaped", now: "size += 0",
			pkg: apns, test: "TestSize",
		},
	}
}

// applePatience breaks how Apple's limits are kept, and what its sandbox says.
func applePatience() []mutant {
	return []mutant{
		{
			name: "name of a push in Apple's console lost", file: "pkg/plugins/internal/fanout/tally.go",
			old: ", UniqueID: a.UniqueID}", now: "}",
			pkg: apns, test: "TestSandboxNamesThePush",
		},
		{
			name: "push that has a name in Apple's console told in brief", file: "internal/outcome/brief.go",
			old: `return t.UniqueID != ""`, now: "return false",
			pkg: "./internal/outcome", test: "TestWhatWentWellIsToldInBrief",
		},
		{
			name: "pushes that only wake the app sent without end", file: "pkg/plugins/apns/background.go",
			old: "wait > 0 && t.id != m.id", now: "wait > 0 && t.id == m.id",
			pkg: apns, test: "TestBackgroundIsRare",
		},
		{
			name: "older push that only wakes the app sent after the newest", file: "pkg/plugins/apns/background.go",
			old: "if m.published.Before(t.newest) {", now: "if false {",
			pkg: apns, test: "TestBackgroundIsRare",
		},
		{
			name: "message held up by pushes that only wake the app", file: "pkg/plugins/apns/background.go",
			old: "kind != kindBackground {", now: "kind == \"\" {",
			pkg: apns, test: "TestQuietPushes",
		},
		{
			name: "Apple that is down asked as often for ever", file: "pkg/plugins/internal/line/gate.go",
			old: "next.wait = min(2*old.wait, a.Most)", now: "next.wait = old.wait",
			pkg: lines, test: "TestWaitThatGrows",
		},
		{
			name: "wait for Apple doubled by each answer of one moment", file: "pkg/plugins/internal/line/gate.go",
			old: "if now.Before(old.until) { // it", now: "if false { // it",
			pkg: lines, test: "TestWaitThatGrows",
		},
		{
			name: "device that gets too much asked as often for ever", file: "pkg/plugins/internal/line/rest.go",
			old: "a.Wait = min(2*old.answer.Wait, a.Most)", now: "_ = old",
			pkg: lines, test: "TestRestThatGrows",
		},
	}
}
