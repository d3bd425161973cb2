package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Results that were made with both transports are a table of their own.
const (
	beginTransports = "<!-- transports:begin -->\n"
	endTransports   = "<!-- transports:end -->\n"
)

// bothTransports reports whether there are results with net/http.
func bothTransports(results []result) bool {
	return slices.ContainsFunc(results, func(r result) bool { return r.Transport == "net/http" })
}

// passage is all runs of one scenario with one transport.
type passage struct {
	scenario, transport  string
	runs, failed, faults int
	doubt                doubt
}

// transports is the table of what lost connections cost.
func transports(results []result) string {
	var all []*passage
	for _, r := range results {
		i := slices.IndexFunc(all, func(p *passage) bool { return p.scenario == r.Scenario && p.transport == r.Transport })
		if i < 0 {
			i = len(all)
			all = append(all, &passage{scenario: r.Scenario, transport: r.Transport})
		}
		all[i].add(r)
	}
	slices.SortStableFunc(all, func(a, b *passage) int {
		return cmp.Or(-cmp.Compare(a.scenario, b.scenario), cmp.Compare(a.transport, b.transport))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "Written by `make chaos CHAOSARGS='-docs FILE'`, FILE with the results of both transports. Seeds: %s. All but the runs are pushes or connections.\n\n", seedsOf(results))
	b.WriteString("| scenario | transport | runs | failed | in doubt | accepted again | together, per fault | lost alone | accepted again | per connection |\n")
	b.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, p := range all {
		b.WriteString(p.String())
	}
	return b.String()
}

// add adds one run.
func (p *passage) add(r result) {
	p.runs++
	if !r.passed() {
		p.failed++
	}
	p.faults += r.Faults[treatFake]
	p.doubt.add(r.Doubt)
}

// String is the row as Markdown.
func (p *passage) String() string {
	name := map[string]string{"auto": "h2post"}
	d := p.doubt
	per := func(n, of int) float64 { return float64(n) / float64(max(1, of)) }
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %.1f | %d | %d | %.2f |\n", p.scenario, cmp.Or(name[p.transport], p.transport), p.runs, p.failed,
		d.InDoubt, d.Repeated, per(d.Repeated-d.RepeatedAlone, p.faults), d.Alone, d.RepeatedAlone, per(d.RepeatedAlone, d.Alone))
}
