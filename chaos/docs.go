package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// reliabilityDoc has the figures of runs between two marks.
const (
	reliabilityDoc = "docs/reliability.md"
	beginMark      = "<!-- chaos:begin -->\n"
	endMark        = "<!-- chaos:end -->\n"
)

// writeDocs puts the results in a JSON Lines file between the marks of doc.
func writeDocs(doc, results string) error {
	text, err := os.ReadFile(results) //nolint:gosec // the user names the file
	if err != nil {
		return fmt.Errorf("read the results: %w", err)
	}
	all, err := readResults(text)
	if err != nil {
		return fmt.Errorf("read the results in %s: %w", results, err)
	}
	page, err := os.ReadFile(doc) //nolint:gosec // a constant
	if err != nil {
		return fmt.Errorf("read the page, from the top of the repository: %w", err)
	}
	begin, end, table := beginMark, endMark, figures
	if bothTransports(all) {
		begin, end, table = beginTransports, endTransports, transports
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("write the figures: %s has no %q and %q", doc, begin, end)
	}
	page = []byte(before + begin + table(all) + end + after)
	if err := os.WriteFile(doc, page, 0o644); err != nil { //nolint:gosec // a page for everybody
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}

func readResults(text []byte) ([]result, error) {
	var all []result
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("line %d: %w: use the output of -o jsonl", len(all)+1, err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, errors.New("there are none")
	}
	return all, lines.Err()
}

// row is what all runs of one scenario have shown.
type row struct {
	name, what                              string
	runs, failed, notRun                    int
	faults, acked, lost, unexpected, copies int
	recovered, most, bound                  int
	settled                                 float64
}

// add adds one run.
func (o *row) add(r result) {
	o.name, o.what = r.Scenario, r.What
	if r.NotRun != "" {
		o.notRun++
		return
	}
	o.runs++
	if !r.passed() {
		o.failed++
	}
	for _, n := range r.Faults {
		o.faults += n
	}
	o.acked, o.lost, o.unexpected = o.acked+r.Total.Acked, o.lost+r.Total.Lost, o.unexpected+r.Total.Unexpected
	o.copies, o.recovered = o.copies+r.Total.Duplicated, o.recovered+r.Total.Recovered
	if o.runs == 1 || r.Total.Duplicated*max(1, o.bound) > o.most*max(1, r.Bound) {
		o.most, o.bound = r.Total.Duplicated, r.Bound
	}
	o.settled = max(o.settled, r.Settled)
}

// seedsOf lists the seeds of all.
func seedsOf(results []result) string {
	var seeds []uint64
	for _, r := range results {
		seeds = append(seeds, r.Seed)
	}
	slices.Sort(seeds)
	var names []string
	for _, seed := range slices.Compact(seeds) {
		names = append(names, strconv.FormatUint(seed, 10))
	}
	return strings.Join(names, ", ")
}

// figures is the generated part of the page.
func figures(results []result) string {
	rows := make(map[string]*row)
	for _, r := range results {
		o := rows[r.Scenario]
		if o == nil {
			o = &row{}
			rows[r.Scenario] = o
		}
		o.add(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Written by `make chaos CHAOSARGS='-docs FILE'`. Seeds: %s. Confirmed and duplicated count both lanes.\n\n", seedsOf(results))
	b.WriteString("| scenario | runs | failed | faults | confirmed | lost | unexpected | recovered | duplicated | per fault | most | bound | settled within |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range scenarios() {
		if o := rows[s.name]; o != nil {
			b.WriteString(o.String())
		}
	}
	return b.String()
}

// String is the row as Markdown.
func (o *row) String() string {
	if o.runs == 0 {
		return fmt.Sprintf("| %s: %s | not run | | | | | | | | | | | |\n", o.name, o.what)
	}
	return fmt.Sprintf("| %s: %s | %d | %d | %d | %d | %d | %d | %d | %d | %.1f | %d | %d | %.1f s |\n", o.name, o.what, o.runs, o.failed,
		o.faults, o.acked, o.lost, o.unexpected, o.recovered, o.copies, float64(o.copies)/float64(max(1, o.faults)), o.most, o.bound, o.settled)
}
