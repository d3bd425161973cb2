package main

// huawei breaks what the handler for Huawei's devices promises, and requests for several.
func huawei() []mutant {
	return []mutant{
		{
			name: "accepted by the status instead of the code", file: "pkg/plugins/hms/answer.go",
			old: `code == "80000000" && x.Status == http.StatusOK`, now: `x.Status == http.StatusOK`,
			pkg: huaweis, test: "TestCodes",
		},
		{
			name: "refused token beside others counts as accepted", file: "pkg/plugins/hms/answer.go",
			old: "each[i] = ofReason(reason)", now: `each[i] = line.Answer{Fate: line.Accepted, Tried: true, Code: reason}`,
			pkg: huaweis, test: "TestEachToken",
		},
		{
			name: "refused provider token not replaced", file: "pkg/plugins/hms/request.go",
			old: "refused && !r.repeated", now: "false",
			pkg: huaweis, test: "TestRefusedToken",
		},
		{
			name: "body in a string too large", file: "pkg/plugins/hms/message.go",
			old: "over <= 0 || t.limit <= 0", now: "true",
			pkg: huaweis, test: "TestSize",
		},
		{
			name: "order within an answer makes a mix-up", file: "pkg/plugins/internal/line/several.go",
			old: "if served {\n\t\t\tl.evidence", now: "if false {\n\t\t\tl.evidence",
			pkg: lines, test: "TestEachBesideTheOthers",
		},
		{
			name: "device that rests is asked with the others", file: "pkg/plugins/internal/fanout/together.go",
			old: "\t\treturn rests\n", now: "\t\treturn false\n",
			pkg: fanouts, test: "TestEachOfSeveral",
		},
		{
			name: "request for more than it takes", file: "pkg/plugins/internal/fanout/together.go",
			old: "len(g.devices) == f.way.Batch ||", now: "false ||",
			pkg: fanouts, test: "TestTogether",
		},
	}
}
