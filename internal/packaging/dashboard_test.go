package packaging_test

import (
	"regexp"
	"strings"
	"testing"
)

// What looks at metrics asks for some that exist; make observe-test and make chart-test
// look closer, and take minutes.
func TestMetricsThatAreLookedAtExist(t *testing.T) {
	t.Parallel()
	metrics := read(t, "docs/metrics.md")
	suffix := regexp.MustCompile(`_(bucket|count|sum)$`)
	for _, name := range []string{"deploy/grafana/pushworker.json", "deploy/chart/templates/scaledobject.yaml", "docs/operations.md", "docs/kubernetes.md"} {
		found := regexp.MustCompile(`\bpushworker_[a-z_]+[a-z]\b`).FindAllString(read(t, name), -1)
		if len(found) == 0 && !strings.HasSuffix(name, ".md") {
			t.Errorf("%s asks for no metric; the test looks for the wrong thing", name)
		}
		for _, metric := range found {
			if !strings.Contains(metrics, "\n| `"+metric+"` |") && !strings.Contains(metrics, "\n| `"+suffix.ReplaceAllString(metric, "")+"` |") {
				t.Errorf("%s asks for %s, which docs/metrics.md does not list", name, metric)
			}
		}
	}
}
