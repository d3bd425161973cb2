package main

// reaching breaks what the handlers do about what their providers say, and what is said of
// devices that nothing is sent to.
func reaching() []mutant {
	return []mutant{
		{
			name: "devices that wait to be activated not counted", file: "internal/doctor/reach.go",
			old: "activates && !d.More().Activated", now: "activates && d.More().Activated",
			pkg: "./internal/doctor", test: "TestReachCountsDevicesThatGetNothing",
		},
		{
			name: "devices that no handler takes not counted", file: "internal/doctor/reach.go",
			old: "!r.reached[i] && why ==", now: "r.reached[i] && why ==",
			pkg: "./internal/doctor", test: "TestReachCountsDevicesThatGetNothing",
		},
		{
			name: "Apple's refusal of a VAPID key taken for a bad message", file: "pkg/plugins/webpush/classify.go",
			old: `case "BadAuthorizationHeader", "BadJwtToken", "BadVapidPublicKey":`, now: `case "-":`,
			pkg: webs, test: "TestClassify",
		},
		{
			name: "long answer of a stranger read", file: "pkg/plugins/webpush/origin.go",
			old: "io.LimitReader(body, maxAnswer)", now: "io.LimitReader(body, 1<<30)",
			pkg: webs, test: "TestLittleOfAnAnswerIsRead",
		},
		{
			name: "connection kept that does not know a topic", file: "pkg/plugins/apns/request.go",
			old: "v.Code == codeTopic && r.sender.renews(time.Now())", now: "false",
			pkg: apns, test: "TestTopicOfLater",
		},
		{
			name: "connections given up for each unknown topic", file: "pkg/plugins/apns/request.go",
			old: "now.UnixNano()-last >= int64(renewEvery) &&", now: "",
			pkg: apns, test: "TestTopicOfLater",
		},
		{
			name: "Apple probed each second while it is down", file: "pkg/plugins/internal/line/line.go",
			old: "(a.Closed || a.Firm) && a.Wait > 0", now: "a.Closed && a.Wait > 0",
			pkg: lines, test: "TestFirmWait",
		},
		{
			name: "provider that is down probed before its Retry-After", file: "pkg/plugins/internal/line/exchange.go",
			old: "a.Wait, a.Firm = wait, a.Scope == All && !a.Closed", now: "a.Wait = wait",
			pkg: lines, test: "TestNoProbeBeforeRetryAfter",
		},
	}
}
