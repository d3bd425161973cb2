package packaging_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fence is a block of code in a document, whose lines are neither links nor headings.
var fence = regexp.MustCompile("(?ms)^```.*?^```$")

// Every relative link of a document leads to a file, and to a heading if it names one.
func TestLinksInDocumentsLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]*))?\)`)
	files, headings := 0, 0
	for _, name := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, name), ""), -1) {
			target := name
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(name), m[1])
				files++
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
				continue
			}
			if m[2] == "" || filepath.Ext(target) != ".md" {
				continue
			}
			headings++
			if !slices.Contains(anchors(read(t, target)), m[2]) {
				t.Errorf("%s links to #%s, and %s has no such heading", name, m[2], target)
			}
		}
	}
	if files == 0 || headings == 0 {
		t.Errorf("found links to %d files and %d headings; the test looks for the wrong thing", files, headings)
	}
}

// anchors returns what GitHub calls the headings of a document.
func anchors(text string) (all []string) {
	seen := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := strings.ToLower(regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(m[1], ""))
		if name = strings.ReplaceAll(name, " ", "-"); seen[name] {
			continue // GitHub numbers a second one; nobody should link to it
		}
		seen[name] = true
		all = append(all, name)
	}
	return all
}

// Every file and folder that a document names in code, such as pkg/push/uid.go, exists.
func TestPathsInDocumentsExist(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile("`((?:bench|chaos|cmd|config|deploy|docs|e2e|internal|mutants|pkg|tools)(?:/[\\w.-]+)+)/?`")
	call := regexp.MustCompile(`\.[A-Z]\w*$`) // internal/consumer.TestModel
	seen := 0
	for _, name := range documents(t) {
		if name == "CHANGELOG.md" || strings.HasPrefix(name, "docs/adr/") {
			continue // they tell how it was
		}
		for _, m := range path.FindAllStringSubmatch(read(t, name), -1) {
			seen++
			target := call.ReplaceAllString(m[1], "")
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s names %s: %v", name, m[1], err)
			}
		}
	}
	if seen == 0 {
		t.Error("no path found; the test looks for the wrong thing")
	}
}

// The alerts ask for metrics that exist, and docs/production.md shows them as they are.
func TestAlertsAreDocumented(t *testing.T) {
	t.Parallel()
	rules := regexp.MustCompile(`alert: (\w+)\n +expr: (.+)\n`).FindAllStringSubmatch(read(t, "deploy/alerts.yml"), -1)
	if len(rules) == 0 {
		t.Fatal("deploy/alerts.yml has no rule; the test looks for the wrong thing")
	}
	page, metrics := read(t, "docs/production.md"), read(t, "docs/metrics.md")
	runbooks := regexp.MustCompile(`runbook_url: https://\S+/blob/main/docs/operations\.md#(\S+)\n`).FindAllStringSubmatch(read(t, "deploy/alerts.yml"), -1)
	if len(runbooks) != len(rules) {
		t.Errorf("%d alerts, %d lead to the runbook", len(rules), len(runbooks))
	}
	for _, m := range runbooks {
		if !slices.Contains(anchors(read(t, "docs/operations.md")), m[1]) {
			t.Errorf("an alert leads to docs/operations.md#%s, which is not there", m[1])
		}
	}
	for _, r := range rules {
		if row := "| `" + r[1] + "` | `" + r[2] + "` |"; !strings.Contains(page, row) {
			t.Errorf("docs/production.md lacks the row of an alert: %s", row)
		}
		for _, metric := range regexp.MustCompile(`pushworker_\w+`).FindAllString(r[2], -1) {
			if !strings.Contains(metrics, "\n| `"+metric+"` |") {
				t.Errorf("alert %s asks for %s, which docs/metrics.md does not list", r[1], metric)
			}
		}
	}
}
