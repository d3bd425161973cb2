package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// results are two rounds of a lane and its loops, the second on a slower machine.
func results() []record {
	return []record{
		{Group: "machine", Row: "machine", Note: "on a day; 2 × CPU"},
		{Group: "fcm", Row: "lane", Round: 1, Rate: 9000, CPU: 110, RSS: 80, Open: 8},
		{Group: "fcm", Row: "sdk loop", Round: 1, Rate: 10_000, CPU: 100, RSS: 60, Open: 8},
		{Group: "fcm", Row: "raw loop", Round: 1, Rate: 12_000, CPU: 80, RSS: 60, Open: 8},
		{Group: "fcm", Row: "sdk loop", Round: 2, Rate: 5000, CPU: 200, RSS: 60, Open: 8},
		{Group: "fcm", Row: "raw loop", Round: 2, Rate: 6000, CPU: 160, RSS: 60, Open: 8},
		{Group: "fcm", Row: "lane", Round: 2, Rate: 4500, CPU: 220, RSS: 82, Open: 8, Twice: 1},
		{Group: "fcm", Row: "lane", Round: 1, Paced: 500, P50: 1, P99: 4, P999: 9},
		{Group: "fcm", Row: "sdk loop", Round: 1, Paced: 500, P50: 1, P99: 3.5, P999: 8},
		{Group: "fcm", Row: "raw loop", Round: 1, Paced: 500, P50: 1, P99: 3, P999: 7},
	}
}

// TestTablesPairRowsByRound: a slow round changes the medians and not the ratios.
func TestTablesPairRowsByRound(t *testing.T) {
	t.Parallel()
	got := tables(results())
	for _, want := range []string{
		"Measured on a day; 2 × CPU.",
		"| lane | 4,500 / **6,750** / 9,000 | 110.0 / **165.0** / 220.0 |",
		"| 80 / **81** / 82 | 8 | 0 | 0 / **1** / 1 |",
		"Lane to sdk loop, median of the rounds: rate × **0.90**, CPU × **1.10**, p99 **+0.50 ms**.",
		"Lane to raw loop, median of the rounds: rate × **0.75**, CPU × **1.38**, p99 **+1.00 ms**.",
		"Publish to accepted, at 500/s:",
		"| lane | 1.00 | 4.00 | 9.00 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("tables lack %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "More devices") {
		t.Error("there is a table of a group that was not measured")
	}
}

// TestFloorOfEncryption is a line below the tables of Web Push and no row of them. The
// share is that of the drains.
func TestFloorOfEncryption(t *testing.T) {
	t.Parallel()
	got := tables([]record{
		{Group: "webpush", Row: floorRow, Round: 1, CPU: 70},
		{Group: "webpush", Row: floorRow, Round: 2, CPU: 90},
		{Group: "webpush", Row: "lane", Round: 1, Rate: 6000, CPU: 160},
		{Group: "webpush", Row: webpushLoop, Round: 1, Rate: 3000, CPU: 400},
		{Group: "webpush", Row: "lane", Round: 1, Paced: 500, CPU: 1000, P99: 4},
		{Group: "webpush", Row: webpushLoop, Round: 1, Paced: 500, CPU: 1000, P99: 3},
	})
	for _, want := range []string{
		"Lane to webpush-go loop, median of the rounds: rate × **2.00**, CPU × **0.40**, p99 **+1.00 ms**.",
		"takes the lane **80.0 µs** of CPU, 50 % of what it takes for a push.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("tables lack %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "| "+floorRow) {
		t.Errorf("the floor is a row:\n%s", got)
	}
}

// TestManyDevicesToFew: each directory is held against few of its own users, round by round,
// and what its first reads cost is told beside, not hidden in the median.
func TestManyDevicesToFew(t *testing.T) {
	t.Parallel()
	got := tables([]record{
		{Group: "devices", Row: firstRow(1000), Size: 1000, Round: 1, Rate: 4000, CPU: 60, BrokerCPU: 90, FakeCPU: 10},
		{Group: "devices", Row: knownRow(1000), Size: 1000, Round: 1, Rate: 40_000, CPU: 20},
		{Group: "devices", Row: "1,000", Size: 1000, Round: 1, Rate: 30_000, CPU: 30},
		{Group: "devices", Row: knownRow(1000), Size: 1000, Round: 2, Rate: 20_000, CPU: 20},
		{Group: "devices", Row: "1,000", Size: 1000, Round: 2, Rate: 13_000, CPU: 30},
		{Group: "devices", Row: knownRow(9000), Size: 9000, Round: 1, Rate: 20_000, CPU: 20},
		{Group: "devices", Row: "9,000", Size: 9000, Round: 1, Rate: 10_000, CPU: 40},
		{Group: "devices", Row: mirrorRow(9000), Size: 9000, Round: 1, Rate: 19_000, CPU: 21},
	})
	for _, want := range []string{
		"\n\"1,000, first reads\" to \"1,000, pushes to 1,000\", median of the rounds: rate × **0.10**, CPU × **3.00**, with the broker's and the provider's × **8.00**.",
		"\n\"1,000\" to \"1,000, pushes to 1,000\", median of the rounds: rate × **0.70**, CPU × **1.50**, with",
		"\n\"9,000\" to \"9,000, pushes to 1,000\", median of the rounds: rate × **0.50**, CPU × **2.00**, with",
		"\n\"9,000, mirrored\" to \"9,000, pushes to 1,000\", median of the rounds: rate × **0.95**, CPU × **1.05**, with",
	} {
		if !strings.Contains(got, want) || strings.Count(got, ", median of the rounds") != 4 {
			t.Errorf("tables lack %q, or have more of the kind:\n%s", want, got)
		}
	}
}

// TestResultsSurviveTheirFile: what is drawn later is what was measured.
func TestResultsSurviveTheirFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "results.jsonl")
	l, err := newLog(path, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results() {
		if err := l.add(r); err != nil {
			t.Fatal(err)
		}
	}
	l.close()
	got, err := readResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results(), got); diff != "" {
		t.Errorf("results (-written +read):\n%s", diff)
	}
}

// TestDocumentKeepsWhatIsOutsideTheMarkers, and a picture is written beside it.
func TestDocumentKeepsWhatIsOutsideTheMarkers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := plan{output: "jsonl", docs: filepath.Join(dir, "benchmarks.md"), png: filepath.Join(dir, "benchmarks.png")}
	if err := os.WriteFile(p.docs, []byte("before\n"+beginMark+"\nold\n"+endMark+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.show(results()); err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(p.docs)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + beginMark + "\n![the results as bars](benchmarks.png)\n\n" + tables(results()) + endMark + "\nafter\n"; string(document) != want {
		t.Errorf("document is\n%s\nwant\n%s", document, want)
	}
	picture, err := os.ReadFile(p.png)
	if err != nil || !strings.HasPrefix(string(picture), "\x89PNG") {
		t.Errorf("picture: %v, begins with %q", err, picture[:min(4, len(picture))])
	}
}

func TestDocumentWithoutMarkersIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(path, []byte("no place"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceTables(path, "tables"); err == nil || !strings.Contains(err.Error(), beginMark) {
		t.Errorf("error is %v, want one that names the marker", err)
	}
	if document, _ := os.ReadFile(path); string(document) != "no place" {
		t.Errorf("document is %q", document)
	}
}

// TestMeterIgnoresWhatComesAfterTheLast: the clock stops with the last one asked for.
func TestMeterIgnoresWhatComesAfterTheLast(t *testing.T) {
	t.Parallel()
	m := &meter{}
	start := time.Now()
	m.begin(2, start)
	for _, after := range []time.Duration{time.Second, 3 * time.Second, time.Hour} {
		m.count(start.Add(time.Second/2), start.Add(after))
	}
	got := m.await()
	want := reply{Elapsed: 3 * time.Second, P50: time.Second / 2, P99: time.Second / 2, P999: time.Second / 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
}
