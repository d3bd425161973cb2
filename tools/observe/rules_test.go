package observe_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Dir = filepath.Join(root, "deploy")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "SUCCESS") {
		t.Errorf("%s: %v (promtool is in Debian's package prometheus)\n%s", cmd, err, out)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yml")
	promtool(t, "test", "rules", "alerts_test.yml")
}

func TestPrometheusConfiguration(t *testing.T) {
	t.Parallel()
	w := &world{T: t, dir: t.TempDir()}
	rules, err := filepath.Abs(filepath.Join(root, "deploy/alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dir, "prometheus.yml")
	w.write(path, strings.ReplaceAll(read(t, "deploy/prometheus.yml"), "/etc/prometheus/alerts.yml", rules))
	promtool(t, "check", "config", path)
}

// Every alert is seen to fire and not to fire.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	tests := read(t, "deploy/alerts_test.yml")
	var alerts []string
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(read(t, "deploy/alerts.yml"), -1) {
		alerts = append(alerts, m[1])
	}
	if len(alerts) < 10 {
		t.Fatalf("%d alerts; the test looks for the wrong thing", len(alerts))
	}
	for _, name := range slices.Compact(alerts) {
		if !strings.Contains(tests, "alertname: "+name+"\n") || !strings.Contains(tests, "alertname: "+name+", exp_alerts: []") {
			t.Errorf("deploy/alerts_test.yml does not show that %s fires, or that it does not", name)
		}
	}
}
