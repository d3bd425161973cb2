package main

// queueing breaks the queue of the publisher.
func queueing() []mutant {
	const queue = "pkg/publisher/queuepump.go"
	return []mutant{
		{
			name: "a user's receipts overtake each other", file: "pkg/publisher/queueentry.go",
			old: "	e.follows++\n", now: "",
			pkg: importer, test: "TestQueueKeepsOrderThroughOutages",
		},
		{
			name: "full stream taken for a refusal of the receipt", file: queue,
			old: "errors.Is(err, ErrTooLarge), errors.Is(err, ErrRefused):", now: "err != nil:",
			pkg: importer, test: "TestQueueKeepsOrderThroughOutages",
		},
		{
			name: "loss at a stop not told of", file: queue,
			old: "	if q.cfg.Lost != nil {", now: "	if q.cfg.Lost != nil && !q.leaving {",
			pkg: importer, test: "TestHandlerTellsOfEveryLoss",
		},
		{
			name: "loss without room not counted", file: "pkg/publisher/queueadd.go",
			old: "		q.counts.Lost++\n", now: "",
			pkg: importer, test: "TestHandlerTellsOfEveryLoss",
		},
		{
			name: "receipts left in the channel at a stop", file: "pkg/publisher/front.go",
			old: "	f.shut()\n", now: "",
			pkg: importer, test: "TestHandlerTellsOfEveryLoss",
		},
	}
}

// filing breaks what the queue keeps in a file, and how receipts are made into messages.
func filing() []mutant {
	const journal = "./pkg/publisher"
	return []mutant{
		{
			name: "receipt taken before it is on the disk", file: "pkg/publisher/queue.go",
			old: "	return saved.wait()", now: "	_ = saved\n	return nil",
			pkg: journal, test: "TestFileThatCannotBeWritten",
		},
		{
			name: "what a restart finds forgotten", file: "pkg/publisher/queue.go",
			old: "	for _, e := range had.puts {", now: "	for _, e := range had.puts[:0] {",
			pkg: importer, test: "TestQueueFileOutlivesKills",
		},
		{
			name: "file of a queue opened by two", file: "pkg/publisher/lock_unix.go",
			old: "syscall.LOCK_EX|syscall.LOCK_NB", now: "syscall.LOCK_SH|syscall.LOCK_NB",
			pkg: importer, test: "TestQueueFileOutlivesAStop",
		},
		{
			name: "file of a queue grows for ever", file: "pkg/publisher/journal.go",
			old: "j.size > j.limit || ", now: "",
			pkg: importer, test: "TestQueueFileIsBounded",
		},
		{
			name: "one damaged byte ends the file", file: "pkg/publisher/frame.go",
			old: "			if at == 0 {", now: "			if at >= 0 {",
			pkg: journal, test: "FuzzDamagedFile",
		},
		{
			name: "parts share the caller's dedup id", file: "pkg/publisher/parts.go",
			old: `id+"."+strconv.Itoa(i+1)`, now: "id",
			pkg: journal, test: "TestLargeReceiptsAreSplit",
		},
		{
			name: "content published whole although cut", file: "pkg/publisher/parts.go",
			old: "	if p.cfg.MaxContent > 0 {", now: "	if p.cfg.MaxContent < 0 {",
			pkg: journal, test: "TestContentIsCut",
		},
		{
			name: "number shown in place of the fallback", file: "pkg/plugins/internal/notice/view.go",
			old: "v.content.StandIn || v.Text == \"\") {\n\t\treturn cmp.Or", now: "v.Text == \"\") {\n\t\treturn cmp.Or",
			pkg: "./pkg/plugins/fcm", test: "TestNoEmptyNotification",
		},
		{
			name: "receipts escaped for HTML", file: "pkg/push/encode.go",
			old: "	e.SetEscapeHTML(false)\n", now: "",
			pkg: domain, test: "TestContentIsEncoded",
		},
	}
}
