package main

// subscribing breaks what keeps the subscriptions to channels.
func subscribing() []mutant {
	return []mutant{
		{
			name: "subscriptions that are about to be asked for not recorded before", file: "internal/channel/round.go",
			old: "May: s.record.May.with(s.want)}", now: "May: s.record.May}",
			pkg: channels, test: "TestNothingIsLostWithAKeeper",
		},
		{
			name: "token that moved not subscribed again for its new user", file: "internal/channel/holders.go",
			old: "s.record.Has = s.record.Has.without(moving)", now: "_, _ = s, moving",
			pkg: channels, test: "TestTokenMovesInTwoParts",
		},
		{
			name: "new holder of a chat server's token not looked for", file: "internal/channel/holders.go",
			old: "r.holding.others(s.user, token)", now: "r.holding.others(s.user, token[:0])",
			pkg: channels, test: "TestTokenMovesInTwoParts",
		},
		{
			name: "holders of tokens not read from the records", file: "internal/channel/holding.go",
			old: "h.replace(userOf(e.Key), nil, r.May.Tokens)", now: "_ = r",
			pkg: channels, test: "TestTokenMovesWhileAKeeperFollows",
		},
		{
			name: "change told during a round forgotten", file: "internal/channel/queue.go",
			old: "w.told == as.told {", now: "w.members == as.members && w.devices == as.devices {",
			pkg: channels, test: "TestChangeDuringARound",
		},
		{
			name: "channels joined before they are left", file: "internal/channel/round.go",
			old: "if provider = r.ask(ctx, open, false); provider == nil {\n\t\tprovider = r.ask(ctx, open, true)", now: "if provider = r.ask(ctx, open, true); provider == nil {\n\t\tprovider = r.ask(ctx, open, false)",
			pkg: channels, test: "TestATokenMoves",
		},
		{
			name: "two processes keep subscriptions", file: "internal/broker/channels/lease.go",
			old: "if err == nil && read[0].Value == nil {", now: "if err == nil {",
			pkg: brokers + "/channels", test: "TestOneKeepsAndAnotherFollows",
		},
		{
			name: "dead token that was subscribed kept", file: "internal/channel/ask.go",
			old: "a.forget(ctx, w.device, sent, t.Why)", now: "",
			pkg: channels, test: "TestFailuresOfTheProvider",
		},
	}
}
