package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// The rules are those of deploy/alerts.yml, with which promtool and a real Prometheus
// deal elsewhere.
func TestRulesAreTheFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(root, "deploy/alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	have, err := yaml.Marshal(render(t, full()...).rules[0].Spec)
	if err != nil {
		t.Fatal(err)
	}
	if have, err = yaml.YAMLToJSON(have); err != nil || string(have) != string(want) {
		t.Errorf("%v\nrendered %s\nfile     %s", err, have, want)
	}
}

// The dashboard is that of deploy/grafana.
func TestDashboardIsTheFile(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile(filepath.Join(root, "deploy/grafana/pushworker.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := render(t, full()...)
	m := configMap(t, r, r.deploys[0].Name+"-dashboard")
	if m.Data["pushworker.json"] != string(want) || m.Labels["grafana_dashboard"] != "1" {
		t.Errorf("labels %v, %d bytes of %d", m.Labels, len(m.Data["pushworker.json"]), len(want))
	}
}

// One trigger a lane, which counts its backlog only while the lane can work.
func TestScaler(t *testing.T) {
	t.Parallel()
	r := render(t, full()...)
	spec := r.scalers[0].Spec
	if *spec.MinReplicaCount < 1 || spec.Fallback == nil {
		t.Errorf("at least %d workers, fallback %v: without a worker nothing reports the backlog", *spec.MinReplicaCount, spec.Fallback)
	}
	if len(spec.Triggers) != 2 {
		t.Fatalf("%d triggers for two lanes", len(spec.Triggers))
	}
	lane := `{namespace="chat",service="` + r.services[0].Name + `",handler="fcm"}`
	query := spec.Triggers[0].Metadata["query"]
	for _, metric := range []string{"pushworker_lane_pending", "pushworker_lane_breaker_open", "pushworker_lane_paused"} {
		if !strings.Contains(query, metric+lane) {
			t.Errorf("%s does not ask for %s%s", query, metric, lane)
		}
	}
	if spec.Triggers[0].Metadata["ignoreNullValues"] != "false" || spec.Triggers[0].Metadata["threshold"] != "5000" {
		t.Errorf("%v", spec.Triggers[0].Metadata)
	}
}

// Workers reach names, the broker and providers, and nothing in the cluster besides.
func TestNetworkPolicy(t *testing.T) {
	t.Parallel()
	p := render(t, full()...).policies[0].Spec
	if len(p.PolicyTypes) != 2 || len(p.Ingress) != 1 || len(p.Ingress[0].From) != 1 || len(p.Egress) != 4 {
		t.Fatalf("%+v", p)
	}
	if port := p.Ingress[0].Ports[0].Port; port.StrVal != "admin" {
		t.Errorf("others may connect to %v", port)
	}
	nats, providers := p.Egress[1], p.Egress[2]
	if nats.Ports[0].Port.IntVal != 4222 || nats.To[0].PodSelector == nil {
		t.Errorf("broker: %+v", nats)
	}
	if providers.Ports[0].Port.IntVal != 443 || len(providers.To[0].IPBlock.Except) == 0 || len(providers.To[1].IPBlock.Except) == 0 {
		t.Errorf("providers: %+v", providers)
	}
	for _, e := range p.Egress {
		for _, port := range e.Ports {
			if *port.Protocol != core.ProtocolTCP && port.Port.IntVal != 53 {
				t.Errorf("%v of %v", port.Port, *port.Protocol)
			}
		}
	}
}
