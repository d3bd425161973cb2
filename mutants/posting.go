package main

// posting breaks the HTTP/2 client.
func posting() []mutant {
	return []mutant{
		{
			name: "stream above GOAWAY's last taken for processed", file: "pkg/plugins/internal/h2post/read.go",
			old: "case id <= cn.lastID:", now: "case id <= lastStream:",
			pkg: posts, test: "TestScripts",
		},
		{
			name: "one failed connection makes the next while others are being made", file: "pkg/plugins/internal/h2post/dispatch.go",
			old: "live+silent+c.dialing > 0 && time", now: "live+silent > 0 && time",
			pkg: posts, test: "TestNobodyListens",
		},
		{
			name: "processed stream of a lost connection called unprocessed", file: "pkg/plugins/internal/h2post/conn.go",
			old: "if id > cn.lastID || !cn.whole(r) {", now: "if id > 0 {",
			pkg: posts, test: "TestScripts",
		},
		{
			name: "request cut in the middle called in doubt", file: "pkg/plugins/internal/h2post/conn.go",
			old: "r.flight.end <= cn.out.handed", now: "cn.out.handed > 0",
			pkg: posts, test: "TestCutInTheMiddle",
		},
		{
			name: "requests not spread after a loss", file: "pkg/plugins/internal/h2post/dispatch.go",
			old: "open < many || c.wary {", now: "open < many {",
			pkg: posts, test: "TestSpread",
		},
		{
			name: "requests on silent connections counted for the share", file: "pkg/plugins/internal/h2post/dispatch.go",
			old: "if !cn.draining && !cn.silent {", now: "if !cn.draining {",
			pkg: posts, test: "TestSpreadBesideSilence",
		},
		{
			name: "requests not spread after a silence", file: "pkg/plugins/internal/h2post/clock.go",
			old: "	cn.client.beware(now)", now: "	_ = now",
			pkg: posts, test: "TestSpreadAfterSilence",
		},
		{
			name: "silent connections not replaced", file: "pkg/plugins/internal/h2post/dispatch.go",
			old: "max(silent-c.o.Conns/2, 0)", now: "silent",
			pkg: posts, test: "TestSpreadBesideSilence",
		},
		{
			name: "connections lost together not replaced at once", file: "pkg/plugins/internal/h2post/dispatch.go",
			old: "case cn.made == c.answers:", now: "case !cn.answered:",
			pkg: posts, test: "TestLostTogether",
		},
	}
}

// speaking breaks what the client makes of the peer's frames.
func speaking() []mutant {
	return []mutant{
		{
			name: "peer that sends each connection away dialled without a pause", file: "pkg/plugins/internal/h2post/read.go",
			old: "	if away {", now: "	if away && false {",
			pkg: posts, test: "TestSentAwayAtOnce",
		},
		{
			name: "late frames of a stream that we have reset refused", file: "pkg/plugins/internal/h2post/read.go",
			old: "err != nil || slices.Contains(cn.resets, id)", now: "err != nil || slices.Contains(cn.resets[:0], id)",
			pkg: posts, test: "TestLateFrames",
		},
		{
			name: "peer that asks to be pushed to is served", file: "pkg/plugins/internal/h2post/flow.go",
			old: "if s.Val != 0 {", now: "if s.Val > 1 {",
			pkg: posts, test: "TestWrongByRFC",
		},
		{
			name: "the peer's window ignored", file: "pkg/plugins/internal/h2post/write.go",
			old: "cn.flow.maxFrame, int(cn.flow.window), int(f.window))", now: "cn.flow.maxFrame)",
			pkg: posts, test: "TestModel",
		},
		{
			name: "the peer's limit of streams ignored", file: "pkg/plugins/internal/h2post/conn.go",
			old: "most := min(cn.flow.streams, cn.client.o.StreamsPerConn)", now: "most := cn.client.o.StreamsPerConn",
			pkg: posts, test: "TestModel",
		},
		{
			name: "half-open connection not pinged", file: "pkg/plugins/internal/h2post/clock.go",
			old: "case len(cn.streams) > 0 || cn.waits():", now: "case len(cn.streams) > 1:",
			pkg: posts, test: "TestHalfOpen",
		},
		{
			name: "idle connections not doubted beside a dead one", file: "pkg/plugins/internal/h2post/clock.go",
			old: "cn.client.doubt(now)", now: "_ = now",
			pkg: posts, test: "TestSilentConnections",
		},
		{
			name: "flood of the peer's frames not bounded", file: "pkg/plugins/internal/h2post/flood.go",
			old: "if f.frames >= floodBurst {", now: "if f.frames < 0 {",
			pkg: posts, test: "TestWrongFrames",
		},
	}
}
