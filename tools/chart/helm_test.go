package chart_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// root is the repository's root, seen from this package.
const root = "../.."

// helm and pushworker are the programs under test, built once.
var helm, pushworker string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "chart")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		helm, pushworker = filepath.Join(dir, "helm"), filepath.Join(dir, "pushworker")
		build(helm, ".", "helm.sh/helm/v4/cmd/helm")
		build(pushworker, root, "-tags=disable_grpc_modules,timetzdata", "./cmd/pushworker")
		return m.Run()
	}())
}

func build(binary, dir string, args ...string) {
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"build", "-o", binary}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%s: %v\n%s", cmd, err, text))
	}
}

// chart runs a command of helm on the chart and returns what it prints; what it
// says to people is part of the error.
func chart(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), helm, args...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	text, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("helm %s: %w: %s", args[0], err, exit.Stderr)
	}
	return string(text), err
}

// rendered are the objects of a release, by kind.
type rendered struct {
	accounts   []core.ServiceAccount
	configMaps []core.ConfigMap
	services   []core.Service
	deploys    []apps.Deployment
	jobs       []batch.Job
	budgets    []policy.PodDisruptionBudget
	policies   []networking.NetworkPolicy
	monitors   []monitoring.ServiceMonitor
	rules      []monitoring.PrometheusRule
	scalers    []v1alpha1.ScaledObject
}

// render renders the release "push" in the namespace "chat" and decodes its objects. A key that
// the types do not know, also one in the wrong case, fails the test.
func render(t *testing.T, args ...string) rendered {
	t.Helper()
	text, err := chart(t, append([]string{"template", "push", filepath.Join(root, "deploy/chart"), "--namespace", "chat"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	var r rendered
	for i, document := range strings.Split(text, "\n---\n") {
		if withoutComments(document) != "" {
			r.decode(t, i, document)
		}
	}
	return r
}

func withoutComments(document string) string {
	var lines []string
	for line := range strings.Lines(document) {
		if text := strings.TrimSpace(line); text != "" && text != "---" && !strings.HasPrefix(text, "#") {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, "\n")
}

func (r *rendered) decode(t *testing.T, i int, document string) {
	t.Helper()
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
		t.Fatalf("document %d: %v\n%s", i, err, document)
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 ServiceAccount":
		r.accounts = strict(t, document, r.accounts)
	case "v1 ConfigMap":
		r.configMaps = strict(t, document, r.configMaps)
	case "v1 Service":
		r.services = strict(t, document, r.services)
	case "apps/v1 Deployment":
		r.deploys = strict(t, document, r.deploys)
	case "batch/v1 Job":
		r.jobs = strict(t, document, r.jobs)
	case "policy/v1 PodDisruptionBudget":
		r.budgets = strict(t, document, r.budgets)
	case "networking.k8s.io/v1 NetworkPolicy":
		r.policies = strict(t, document, r.policies)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		r.monitors = strict(t, document, r.monitors)
	case "monitoring.coreos.com/v1 PrometheusRule":
		r.rules = strict(t, document, r.rules)
	case "keda.sh/v1alpha1 ScaledObject":
		r.scalers = strict(t, document, r.scalers)
	default:
		t.Fatalf("document %d is a %s %s, which this test does not know:\n%s", i, kind.APIVersion, kind.Kind, document)
	}
}

// strict appends the object of a document, as the API server's strict validation reads it.
func strict[T any](t *testing.T, document string, to []T) []T {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	var object T
	faults, err := json.UnmarshalStrict(data, &object)
	if err != nil || len(faults) > 0 {
		t.Fatalf("%v %v\n%s", err, faults, document)
	}
	return append(to, object)
}
