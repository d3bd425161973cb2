package e2e_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

var updateMetrics = flag.Bool("update-metrics", false, "write the table of docs/metrics.md, as make metrics-docs does")

// metricsPage is what operators read; its table is made from a worker's answer.
const metricsPage = "../docs/metrics.md"

// TestMetricsPage: every metric is there before the first receipt, and the page
// lists exactly those that a worker exports.
func TestMetricsPage(t *testing.T) {
	t.Parallel()
	w := newFCMWorld(t, "")
	p := w.worker()
	var text string
	await(t, patience, "the worker has asked the broker", func() bool {
		text = scrape(t, p.admin)
		return strings.Contains(text, "pushworker_stream_bytes{") && strings.Contains(text, "pushworker_broker_round_trip_seconds ") &&
			strings.Contains(text, "pushworker_credentials_expiry_timestamp_seconds{")
	})
	page, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- made by make metrics-docs -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(string(page), begin)
	have, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", metricsPage, begin, end)
	}
	want := metricsTable(t, text)
	if *updateMetrics {
		if err := os.WriteFile(metricsPage, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(have, want); diff != "" {
		t.Errorf("%s is not what a worker exports; run make metrics-docs (-page +worker):\n%s", metricsPage, diff)
	}
	for _, name := range regexp.MustCompile("`(pushworker_[a-z_]+)").FindAllStringSubmatch(before+after, -1) {
		base := regexp.MustCompile(`_(count|sum|bucket)$`).ReplaceAllString(name[1], "")
		if !strings.Contains(want, "`"+base+"`") {
			t.Errorf("%s names %s, which does not exist", metricsPage, name[1])
		}
	}
}

// TestProviderMetrics: what FCM answers is counted by class, and so are the
// connections to it.
func TestProviderMetrics(t *testing.T) {
	t.Parallel()
	w := newFCMWorld(t, "")
	w.crowd(3)
	p := w.worker()
	w.publish(w.message(userOf(1), userOf(2), userOf(3)))
	for _, line := range []string{
		`pushworker_provider_requests_total{class="accepted",handler="fcm"} 3`,
		`pushworker_provider_requests_total{class="rejected",handler="fcm"} 0`,
		`pushworker_provider_request_duration_seconds_count{handler="fcm"} 3`,
		`pushworker_targets_total{handler="fcm",result="accepted"} 3`,
		`pushworker_directory_cache_misses_total 3`,
		`pushworker_credentials_refreshes_total{handler="fcm",result="renewed"} 1`,
		`pushworker_credentials_refreshes_total{handler="fcm",result="refused"} 0`,
		`pushworker_provider_in_flight{handler="fcm"} 0`,
		`pushworker_provider_in_flight_limit{handler="fcm"} 720`,
	} {
		await(t, patience, line, func() bool { return strings.Contains(scrape(t, p.admin), line+"\n") })
	}
	if text := scrape(t, p.admin); strings.Contains(text, `pushworker_provider_connections{handler="fcm"} 0`) ||
		!strings.Contains(text, `pushworker_provider_connections{handler="fcm"} `) {
		t.Errorf("no connection to FCM is counted:\n%s", text)
	}
}

func scrape(t *testing.T, addr string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, resp.Body)
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /metrics: %d, %v", resp.StatusCode, err)
	}
	return string(text)
}

// metricsTable is the Markdown table of our own metrics in a scrape.
func metricsTable(t *testing.T, text string) string {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	rows := []string{"| name | type | labels | meaning |\n|---|---|---|---|\n"}
	for name, family := range families {
		if !strings.HasPrefix(name, "pushworker_") {
			continue
		}
		labels := make(map[string]bool)
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		var names []string
		for l := range labels {
			names = append(names, "`"+l+"`")
		}
		slices.Sort(names)
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n",
			name, strings.ToLower(family.GetType().String()), strings.Join(names, ", "), strings.ReplaceAll(family.GetHelp(), "|", `\|`)))
	}
	slices.Sort(rows[1:])
	return strings.Join(rows, "")
}
