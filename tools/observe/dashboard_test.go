package observe_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// panel is what of a panel of the dashboard matters here.
type panel struct {
	Type, Title, Description string
	Targets                  []struct {
		Expr       string
		Datasource struct{ UID string }
	}
}

// panels are those of the dashboard that show something.
func panels(t *testing.T) []panel {
	t.Helper()
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/pushworker.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var all []panel
	for _, p := range dashboard.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
	}
	if len(all) < 10 {
		t.Fatalf("%d panels; the test looks for the wrong thing", len(all))
	}
	return all
}

// inGrafana puts what Grafana puts in place of its variables.
func inGrafana(expr string) string {
	return strings.NewReplacer("$handler", "fcm", "$__rate_interval", "10s").Replace(expr)
}

// verdict is the expression that says late, lost or fine.
func (w *world) verdict() string {
	w.Helper()
	for _, p := range panels(w.T) {
		if strings.HasPrefix(p.Title, "Late, lost or fine") {
			return inGrafana(p.Targets[0].Expr)
		}
	}
	w.Fatal("no panel says late, lost or fine")
	return ""
}

func TestPanelsAreExplained(t *testing.T) {
	t.Parallel()
	for _, p := range panels(t) {
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q has no description, or nothing to show", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("panel %q asks %q: it must ask the Prometheus that its reader has chosen", p.Title, target.Datasource.UID)
			}
		}
	}
}
