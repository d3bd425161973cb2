package main

// asking breaks what is promised of devices that the chat server keeps.
func asking() []mutant {
	return append(asked(), []mutant{
		{
			name: "statement gone removes what is newer", file: "internal/device/postgres/statement.go",
			old: "if name == \"gone\" && !slices.Contains(s.names, \"as_of\") {", now: "if false {",
			pkg: devices + "/postgres", test: "TestStatementsAreChecked",
		},
		{
			name: "Tinode's ids taken as they are", file: "internal/device/postgres/ids.go",
			old: "	i.cipher.Encrypt(b[:], b[:])\n", now: "",
			pkg: devices + "/postgres", test: "TestTinode",
		},
		{
			name: "error of the database shows a token", file: "internal/device/postgres/source.go",
			old: "masked(err, d)", now: "err",
			pkg: devices + "/postgres", test: "TestErrorsShowNoToken",
		},
		{
			name: "directory that knows nobody untold", file: "internal/device/coverage.go",
			old: "case with == 0:", now: "case false:",
			pkg: devices, test: "TestCoverage",
		},
		{
			name: "look-ups of receipts not counted", file: "internal/worker/coverage.go",
			old: "d.coverage.Count(len(users), len(found))", now: "d.coverage.Count(0, 0)",
			pkg: workers, test: "TestUnknownUsersAreTold",
		},
	}...)
}

// known breaks what a directory says of devices that it has, or had.
func known() []mutant {
	return []mutant{
		{
			name: "device not found by another spelling of its token", file: "internal/device/remove.go",
			old: "if like.Token != \"\" && like.Token != have.Token {", now: "if false {",
			pkg: devices, test: "TestTwoSpellingsAreOneDevice",
		},
		{
			name: "blank bucket taken for the one that was opened", file: "internal/broker/devices/store.go",
			old: "return errReplaced\n\tcase", now: "return nil\n\tcase",
			pkg: brokers + "/devices", test: "TestALostBucketIsNoUserWithoutDevices",
		},
		{
			name: "malformed headers taken for the end of a stream", file: "internal/broker/directget.go",
			old: "case Hidden(m):", now: "case false:",
			pkg: brokers + "/history", test: "TestHeadersThatHideTheBrokers",
		},
		{
			name: "what a publisher had kept counts as new", file: "pkg/push/delivery.go",
			old: "return d.Published.Add(-d.Waited)", now: "return d.Published",
			pkg: domain, test: "TestStale",
		},
	}
}

// asked breaks how the chat server is asked, and what is made of its answer.
func asked() []mutant {
	const asks = brokers + "/chatserver"
	return []mutant{
		{
			name: "devices of users who were not asked for", file: "internal/device/foreign.go",
			old: "			return nil, errUnasked\n", now: "			continue\n",
			pkg: devices, test: "TestForeignBelievesNoStrangers",
		},
		{
			name: "answer that is none means no devices", file: "internal/broker/chatserver/message.go",
			old: "case err != nil || read.Devices == nil:", now: "case read.Devices == nil:\n		return nil, nil\n	case err != nil:",
			pkg: asks, test: "TestFaultyAnswers",
		},
		{
			name: "answer that is too large never comes", file: "internal/broker/chatserver/source.go",
			old: "if len(users) == 1 {", now: "if len(users) > 0 {",
			pkg: asks, test: "TestLargeAnswersAreHalved",
		},
		{
			name: "request of a chat server that died", file: "internal/broker/chatserver/source.go",
			old: "	askAgain, tries = 2 * time.Second, 3\n", now: "	askAgain, tries = 2 * time.Second, 1\n",
			pkg: asks, test: "TestRequestIsSentAgain",
		},
		{
			name: "dead token taken for removed", file: "internal/broker/chatserver/message.go",
			old: "case err != nil || !read.OK:", now: "case err != nil:",
			pkg: asks, test: "TestGoneIsConfirmed",
		},
		{
			name: "change that the chat server tells ignored", file: "internal/device/foreign.go",
			old: "		f.cache.drop(u)\n", now: "		_ = u\n",
			pkg: devices, test: "TestForeignForgetsWhatChanged",
		},
		{
			name: "answers from before the chat server was heard believed", file: "internal/broker/devices/changed.go",
			old: "				d.foreign.Forget()\n", now: "",
			pkg: asks, test: "TestUnheardChanges",
		},
		{
			name: "look-ups of one user not shared", file: "internal/device/foreign.go",
			old: "f.loader = loader{read: f.load, share: true}", now: "f.loader = loader{read: f.load}",
			pkg: devices, test: "TestForeignSharesLookups",
		},
	}
}
