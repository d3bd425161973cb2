package main

// logging breaks what bounds a lane's log and adds up what it did.
func logging() []mutant {
	return []mutant{
		{
			name: "line in the log for every letter", file: "internal/consumer/fold.go",
			old: "if l.folds[k].Add(1) > mostLines", now: "if l.folds[k].Add(1) < 0",
			pkg: lanes, test: "TestManyLettersAreFewLines",
		},
		{
			name: "stopping lane does not tell its last figures", file: "internal/consumer/summary.go",
			old: "going = false", now: "return",
			pkg: lanes, test: "TestManyLettersAreFewLines",
		},
	}
}
