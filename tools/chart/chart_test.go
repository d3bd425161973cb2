package chart_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
)

// full are the arguments that switch every part of the chart on.
func full() []string {
	return []string{"--values", filepath.Join("testdata", "full.yaml"), "--set-file", "directoryQueries.sql=" + filepath.Join(root, "deploy/directory/tinode.sql")}
}

// both runs a test with the default values, and with every part switched on.
func both(t *testing.T, test func(t *testing.T, r rendered)) {
	t.Helper()
	for name, args := range map[string][]string{"default": nil, "full": full()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, render(t, args...))
		})
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"default": nil, "full": full()} {
		text, err := chart(t, append([]string{"lint", "--strict", filepath.Join(root, "deploy/chart")}, args...)...)
		if err != nil || !strings.Contains(text, "0 chart(s) failed") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

func TestWhatIsMade(t *testing.T) {
	t.Parallel()
	few := render(t)
	if len(few.deploys) != 1 || len(few.accounts) != 1 || len(few.services) != 1 || len(few.budgets) != 1 || len(few.configMaps) != 2 {
		t.Errorf("by default: %+v", few)
	}
	if len(few.jobs)+len(few.policies)+len(few.monitors)+len(few.rules)+len(few.scalers) != 0 {
		t.Error("the default needs custom resources, or isolates the workers")
	}
	all := render(t, full()...)
	if len(all.jobs) != 1 || len(all.policies) != 1 || len(all.monitors) != 1 || len(all.rules) != 1 || len(all.scalers) != 1 {
		t.Errorf("with everything: %d jobs, %d policies, %d monitors, %d rules, %d scalers", len(all.jobs), len(all.policies), len(all.monitors), len(all.rules), len(all.scalers))
	}
}

func TestPodIsHardened(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r rendered) {
		t.Helper()
		pod := r.deploys[0].Spec.Template.Spec
		if p := pod.SecurityContext; !*p.RunAsNonRoot || *p.RunAsUser != 65532 || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			t.Errorf("pod: %+v", p)
		}
		c := pod.Containers[0].SecurityContext
		if !*c.ReadOnlyRootFilesystem || *c.AllowPrivilegeEscalation || !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("container: %+v", c)
		}
		if *pod.AutomountServiceAccountToken || *r.accounts[0].AutomountServiceAccountToken {
			t.Error("the pod gets a token of the API server, which it does not use")
		}
		if *pod.EnableServiceLinks {
			t.Error("variables of other Services would begin with PUSHWORKER_")
		}
		for _, mount := range pod.Containers[0].VolumeMounts {
			if !mount.ReadOnly && mount.MountPath != "/data" {
				t.Errorf("%s is writable", mount.MountPath)
			}
		}
		if pod.Containers[0].Resources.Limits.Memory().IsZero() {
			t.Error("memory is unlimited")
		}
	})
}

func TestProbes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r rendered) {
		t.Helper()
		c := r.deploys[0].Spec.Template.Spec.Containers[0]
		if c.LivenessProbe.HTTPGet.Path != "/livez" || c.ReadinessProbe.HTTPGet.Path != "/readyz" {
			t.Errorf("probes %s and %s", c.LivenessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Path)
		}
		for _, probe := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe} {
			if probe.HTTPGet.Port.StrVal != c.Ports[0].Name || probe.TimeoutSeconds < 5 {
				t.Errorf("probe %+v: wants the port admin and 5 s, since /readyz asks the broker", probe)
			}
		}
		if r.services[0].Spec.Ports[0].TargetPort.StrVal != c.Ports[0].Name {
			t.Error("the Service leads to another port")
		}
	})
}

// The worker hands back and drains after its grace; Kubernetes must not kill it meanwhile.
func TestStopFitsTheGracePeriod(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r rendered) {
		t.Helper()
		pod := r.deploys[0].Spec.Template.Spec
		grace, err := time.ParseDuration(variable(t, pod.Containers[0], "PUSHWORKER_SHUTDOWN_GRACE"))
		if err != nil {
			t.Fatal(err)
		}
		limit := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
		if limit < grace+10*time.Second {
			t.Errorf("terminationGracePeriodSeconds %s, PUSHWORKER_SHUTDOWN_GRACE %s", limit, grace)
		}
	})
}

func TestSelectorsMatchThePods(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r rendered) {
		t.Helper()
		d := r.deploys[0]
		selectors := []map[string]string{d.Spec.Selector.MatchLabels, r.services[0].Spec.Selector, r.budgets[0].Spec.Selector.MatchLabels}
		for _, spread := range d.Spec.Template.Spec.TopologySpreadConstraints {
			selectors = append(selectors, spread.LabelSelector.MatchLabels)
		}
		for _, p := range r.policies {
			selectors = append(selectors, p.Spec.PodSelector.MatchLabels)
		}
		for _, selector := range selectors {
			if !matches(selector, d.Spec.Template.Labels) {
				t.Errorf("%v does not select pods with %v", selector, d.Spec.Template.Labels)
			}
		}
		for _, m := range r.monitors {
			if !matches(m.Spec.Selector.MatchLabels, r.services[0].Labels) {
				t.Errorf("the ServiceMonitor does not select the Service")
			}
		}
		for _, s := range r.scalers {
			if s.Spec.ScaleTargetRef.Name != d.Name || d.Spec.Replicas != nil {
				t.Errorf("the scaler changes %s, the Deployment %s has %v replicas of its own", s.Spec.ScaleTargetRef.Name, d.Name, d.Spec.Replicas)
			}
		}
	})
}

func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// variable is the value of a variable that the container sets.
func variable(t *testing.T, c core.Container, name string) string {
	t.Helper()
	value, set := maybe(c, name)
	if !set {
		t.Fatalf("%s is not set", name)
	}
	return value
}
