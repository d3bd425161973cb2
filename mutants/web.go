package main

// web breaks what Web Push promises.
func web() []mutant {
	return []mutant{
		{
			name: "message to an endpoint that is not activated", file: "pkg/plugins/webpush/message.go",
			old: "if !t.test && !d.More().Activated && t.config.activates(d) {", now: "if false {",
			pkg: webs, test: "TestNothingBeforeActivation",
		},
		{
			name: "activation kept for another endpoint", file: "internal/device/list.go",
			old: "if sameToken(have, d) && have.More().Activated", now: "if have.More().Activated",
			pkg: brokers + "/devices", test: "TestActivation",
		},
		{
			name: "wrong VAPID key empties the directory", file: "pkg/plugins/webpush/classify.go",
			old: "line.Answer{Fate: line.Gone, Scope: line.OfGroup, Doubt: errMismatch,", now: "line.Answer{Fate: line.Gone,",
			pkg: webs, test: "TestWrongKeyEmptiesNoDirectory",
		},
		{
			name: "old VAPID key not tried", file: "pkg/plugins/webpush/request.go",
			old: "a.Code == codeMismatch && !r.last", now: "a.Code == codeMismatch && r.last",
			pkg: webs, test: "TestKeysAreReplacedWithoutLoss",
		},
		{
			name: "claim signed for each push", file: "pkg/plugins/webpush/vapid.go",
			old: "have != nil && now.Before(have.renew)", now: "have != nil && now.After(have.renew)",
			pkg: webs, test: "TestHeadsAreKept",
		},
		{
			name: "web push sent to a private address that is listed", file: "pkg/plugins/webpush/origin.go",
			old: "dial := o.line.Dialer(o.guard)", now: "dial := o.line.Dialer(nil)",
			pkg: webs, test: "TestPrivateAddressesAreRefused",
		},
		{
			name: "web push sent to private addresses", file: "pkg/plugins/webpush/origin.go",
			old: "l.Dialer(o.guard), // no proxy", now: "l.Dialer(nil), // no proxy",
			pkg: webs, test: "TestEveryConnectionIsGuarded",
		},
		{
			name: "two pushes with one salt", file: "pkg/plugins/webpush/seal.go",
			old: "_, _ = rand.Read(salt[:]) // never fails", now: "",
			pkg: webs, test: "TestSeal",
		},
	}
}

// webMessages breaks what Web Push makes of receipts and subscriptions.
func webMessages() []mutant {
	return []mutant{
		{
			name: "TTL of 0", file: "pkg/plugins/webpush/config.go",
			old: "itoa(int(max(left, time.Second) / time.Second))", now: "itoa(int(left / time.Second))",
			pkg: webs, test: "TestTTL",
		},
		{
			name: "two spellings of a subscription are two devices", file: "pkg/plugins/webpush/subscription.go",
			old: "d.Token = u.String()", now: "",
			pkg: webs, test: "TestOneSubscriptionIsOneDevice",
		},
		{
			name: "dead endpoint of a browser registered", file: "pkg/plugins/webpush/subscription.go",
			old: "if host == deadHost {", now: "if host == \"\" {",
			pkg: webs, test: "TestRefusedSubscriptions",
		},
		{
			name: "silent push sent to Apple", file: "pkg/plugins/webpush/message.go",
			old: "vendorOf(u.Hostname()) != apple {", now: "vendorOf(u.Hostname()) != other {",
			pkg: webs, test: "TestNothingSilentToApple",
		},
		{
			name: "message longer than Firefox gets", file: "pkg/plugins/webpush/message.go",
			old: "limit := c.MaxBody - overhead - structure", now: "limit := 2*c.MaxBody - structure",
			pkg: webs, test: "TestLongMessagesKeepTheirData",
		},
		{
			name: "subscription that has expired kept", file: "pkg/plugins/webpush/classify.go",
			old: "case http.StatusNotFound, http.StatusGone:", now: "case http.StatusGone:",
			pkg: webs, test: "TestGone",
		},
		{
			name: "silent server takes all places", file: "pkg/plugins/internal/line/group.go",
			old: "full = quiet > silentAfter || quiet > slowAfter && n > max(l.PerSilent, l.InFlight/slowShare)", now: "_ = quiet",
			pkg: lines, test: "TestSilentGroup",
		},
		{
			name: "one server's requests not bounded", file: "pkg/plugins/webpush/origin.go",
			old: "line.NewGroup(name, o.config.PerOrigin)", now: "line.NewGroup(name, 0)",
			pkg: webs, test: "TestThreeThousandOrigins",
		},
	}
}

// webFailing breaks when a device is taken for gone that nothing reaches.
func webFailing() []mutant {
	const failing = "pkg/plugins/webpush/failing.go"
	return []mutant{
		{
			name: "device away for good asked for ever", file: failing,
			old: "Fate: line.Gone, Tried: true, Code: why", now: "Fate: line.Again, Tried: true, Code: why",
			pkg: webs, test: "TestAwayForGood",
		},
		{
			name: "device away removed at once", file: failing,
			old: "case now.Sub(was.Since) < lasts(why),", now: "case false,",
			pkg: webs, test: "TestAwayForGood",
		},
		{
			name: "since when a device is away not kept", file: failing,
			old: "return a, &push.Failing{Why: why, Since: now}", now: "return a, nil",
			pkg: webs, test: "TestAwayForGood",
		},
		{
			name: "device that is back thought away", file: failing,
			old: "return a, new(push.Failing)", now: "return a, nil",
			pkg: webs, test: "TestAwayForGood",
		},
		{
			name: "404 of a proxy removes a device", file: "pkg/plugins/webpush/classify.go",
			old: "return slices.Contains([]int{102, 103, 105, 106}, r.errno)", now: "return true",
			pkg: webs, test: "TestClassify",
		},
		{
			name: "full disk of a push server taken for a phone that is away", file: failing,
			old: " && says.Code == noSubscriber:", now: ":",
			pkg: webs, test: "TestFailure",
		},
		{
			name: "fault of our own resolver empties the directory", file: failing,
			old: "why == codeUnreachable && !s.line.Served", now: "why == codeUnreachable && false && !s.line.Served",
			pkg: webs, test: "TestUnreachableForGood",
		},
	}
}

// keepingFailures breaks how the directory keeps since when a device fails.
func keepingFailures() []mutant {
	return []mutant{
		{
			name: "device removed that another worker has reached", file: "internal/device/remove.go",
			old: " && !recovered(dev, have, reason)", now: "",
			pkg: devices, test: "TestGoneForItsFailure",
		},
		{
			name: "failure that lasts begun anew with each answer", file: "internal/device/fails.go",
			old: "i < 0 || have[i].More().Failing.Why == is.Why", now: "i < 0",
			pkg: devices, test: "TestFails",
		},
		{
			name: "since when a device fails lost in the cache", file: "internal/device/packed.go",
			old: "flags |= isFailing", now: "flags |= 0",
			pkg: devices, test: "TestPack",
		},
	}
}
