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
			old: "if id > cn.lastID || r.flight.begin >= cn.out.handed {", now: "if id > 0 {",
			pkg: posts, test: "TestScripts",
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
