package main

// web breaks what Web Push promises.
func web() []mutant {
	return []mutant{
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
