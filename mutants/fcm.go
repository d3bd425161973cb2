package main

// saying breaks what a push says.
func saying() []mutant {
	return []mutant{
		{
			name: "what is no news drawn and heard", file: "pkg/plugins/internal/notice/manner.go",
			old: "Quiet: t.isQuiet() || has && t.Settings.Improvements.Quiet}", now: "Quiet: false && has}",
			pkg: fcm, test: "TestQuiet",
		},
		{
			name: "missed call not kept for a phone that is offline", file: "pkg/plugins/fcm/messageandroid.go",
			old: "if v.IsRinging() || v.IsCall() && !v.Settings.Improvements.RemainingTTL {", now: "if v.IsCall() {",
			pkg: fcm, test: "TestCallTTL",
		},
		{
			name: "text cut inside a character", file: "pkg/plugins/internal/content/text.go",
			old: "case !d.whole:", now: "case d.whole:",
			pkg: contents, test: "TestTextIsCutBetweenCharacters",
		},
		{
			name: "one wrong span costs the others", file: "pkg/plugins/internal/content/drafty.go",
			old: "if !ok {\n\t\t\terr = errFormat", now: "if !ok {\n\t\t\treturn errFormat",
			pkg: contents, test: "TestContentThatMakesNoSense",
		},
		{
			name: "message without words sent empty", file: "pkg/plugins/internal/content/content.go",
			old: "return \"[MESSAGE]\"", now: "return \"\"",
			pkg: fcm, test: "TestNoEmptyNotification",
		},
		{
			name: "badge left out of what devices share", file: "pkg/plugins/fcm/message.go",
			old: "if m.badgeAt > 0 && m.badge != noBadge {", now: "if m.badgeAt > 0 && m.badge > 1000 {",
			pkg: fcm, test: "TestBadge",
		},
		{
			name: "configured key not sent", file: "pkg/plugins/internal/notice/view.go",
			old: "if !v.Settings.Improvements.AllKeys {\n\t\treturn \"\"", now: "if true {\n\t\treturn \"\"",
			pkg: fcm, test: "TestAllKeys",
		},
	}
}

// letting breaks how providers let us in, and whom we know.
func letting() []mutant {
	return []mutant{
		{
			name: "handler takes the devices of other apps", file: "pkg/push/config.go",
			old: "return len(c.Apps) == 0 || slices", now: "return len(c.Apps) >= 0 || slices",
			pkg: domain, test: "TestAHandlerTakesItsApps",
		},
		{
			name: "refused token not replaced before the outage", file: "pkg/plugins/fcm/request.go",
			old: "if isOurs401(x) && !r.repeated {", now: "if r.repeated {",
			pkg: fcm, test: "TestRefusedTokenIsReplaced",
		},
		{
			name: "assertion follows a redirect", file: "pkg/plugins/internal/serviceaccount/token.go",
			old: ", CheckRedirect: stay}", now: "}",
			pkg: accounts, test: "TestTokenRedirect",
		},
		{
			name: "connection left open that a fetch has given up", file: "pkg/plugins/internal/serviceaccount/token.go",
			old: "context.AfterFunc(ctx, func() { _ = c.Close() })", now: "_ = ctx",
			pkg: accounts, test: "TestConnectionsEndWithTheFetch",
		},
		{
			name: "token endpoint asked without a pause", file: "pkg/plugins/internal/credential/source.go",
			old: "next-now.Sub(began), fetchFloor)", now: "next-now.Sub(began), time.Millisecond)",
			pkg: tickets, test: "TestTokenFloor",
		},
		{
			name: "missing key file not told of", file: "pkg/plugins/internal/credential/source.go",
			old: "s.missing.Store(&err)", now: "_ = err",
			pkg: tickets, test: "TestKeyFile",
		},
		{
			name: "one device too many displaces another unasked", file: "internal/device/change.go",
			old: "if !d.displace {", now: "if d.displace {",
			pkg: devices, test: "TestOneTooManyIsRefused",
		},
	}
}
