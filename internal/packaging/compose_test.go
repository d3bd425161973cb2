package packaging_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// composeFile is as much of the compose format as ours uses; an unknown key is
// an error, so that a misspelt one cannot pass for a setting.
type composeFile struct {
	Name       string             `yaml:"name"`
	Services   map[string]service `yaml:"services"`
	Volumes    map[string]any     `yaml:"volumes"`
	Extensions map[string]any     `yaml:",inline"`
}

type service struct {
	Image       string            `yaml:"image"`
	PullPolicy  string            `yaml:"pull_policy"`
	Build       map[string]any    `yaml:"build"`
	Profiles    []string          `yaml:"profiles"`
	User        string            `yaml:"user"`
	NetworkMode string            `yaml:"network_mode"`
	Entrypoint  []string          `yaml:"entrypoint"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	EnvFile     []envFile         `yaml:"env_file"`
	DependsOn   map[string]wait   `yaml:"depends_on"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Tmpfs       []string          `yaml:"tmpfs"`
	Healthcheck healthcheck       `yaml:"healthcheck"`
	Restart     string            `yaml:"restart"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	CapAdd      []string          `yaml:"cap_add"`
	SecurityOpt []string          `yaml:"security_opt"`
	Logging     logging           `yaml:"logging"`
	StopGrace   string            `yaml:"stop_grace_period"`
	MemLimit    string            `yaml:"mem_limit"`
	PidsLimit   int               `yaml:"pids_limit"`
}

type envFile struct {
	Path     string `yaml:"path"`
	Required bool   `yaml:"required"`
}

type wait struct {
	Condition string `yaml:"condition"`
}

type healthcheck struct {
	Test        []string `yaml:"test"`
	Interval    string   `yaml:"interval"`
	Timeout     string   `yaml:"timeout"`
	StartPeriod string   `yaml:"start_period"`
	Retries     int      `yaml:"retries"`
}

type logging struct {
	Driver  string            `yaml:"driver"`
	Options map[string]string `yaml:"options"`
}

func compose(t *testing.T) composeFile {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "docker-compose.yml")))
	decoder.KnownFields(true)
	var file composeFile
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

// Without a profile there are NATS and workers; every profile is described at the top.
func TestComposeProfiles(t *testing.T) {
	t.Parallel()
	file := compose(t)
	for key := range file.Extensions {
		if !strings.HasPrefix(key, "x-") {
			t.Errorf("%s: no key of a compose file", key)
		}
	}
	have := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(file.Services)) {
		for _, profile := range append(file.Services[name].Profiles, "")[:1] {
			have[profile] = append(have[profile], name)
		}
	}
	want := map[string][]string{
		"":        {"nats", "nats-volume", "provision", "pushworker"},
		"fake":    {"fake-chat", "fake-fcm", "fake-nats", "fake-phone", "fake-volume", "fake-worker"},
		"cluster": {"cluster-provision", "cluster-volumes", "cluster-worker", "nats-1", "nats-2", "nats-3"},

		"observability": {"grafana", "jaeger", "prometheus"},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	for profile := range want {
		if profile != "" && !strings.Contains(read(t, "docker-compose.yml"), "docker compose --profile "+profile+" up") {
			t.Errorf("the comment at the top does not show the profile %s", profile)
		}
	}
}

func TestComposeServicesAreHardened(t *testing.T) {
	t.Parallel()
	for name, s := range compose(t).Services {
		if !s.ReadOnly {
			t.Errorf("%s: the root file system is writable", name)
		}
		if !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: cap_drop %v, want ALL", name, s.CapDrop)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: privileges can be gained", name)
		}
		if s.MemLimit == "" || s.PidsLimit == 0 {
			t.Errorf("%s: memory or processes are unlimited", name)
		}
		if s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
			t.Errorf("%s: the log fills the disk", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network", name, port)
			}
		}
	}
}

// Root is only what hands a volume to others, once and without a network.
func TestComposeRunsNothingAsRoot(t *testing.T) {
	t.Parallel()
	for name, s := range compose(t).Services {
		switch once := s.Restart == "no"; {
		case s.Build != nil: // the image's own user; see TestDockerfile
		case s.NetworkMode == "none":
			if !once || s.Entrypoint[0] != "chown" {
				t.Errorf("%s is root, and runs %v", name, s.Entrypoint)
			}
		case s.User == "" || strings.HasPrefix(s.User, "0"):
			t.Errorf("%s runs as root", name)
		case len(s.CapAdd) > 0:
			t.Errorf("%s has %v", name, s.CapAdd)
		}
		if tag := strings.SplitN(s.Image, ":", 2); len(tag) != 2 || tag[1] == "latest" {
			t.Errorf("%s: image %s is not pinned", name, s.Image)
		}
		if s.Restart != "no" && s.Restart != "unless-stopped" {
			t.Errorf("%s: restart %q", name, s.Restart)
		}
		if s.Restart != "no" && s.Build == nil && len(s.Healthcheck.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
	}
}

func TestComposeWorkerScales(t *testing.T) {
	t.Parallel()
	worker := compose(t).Services["pushworker"]
	// container_name is no known field, so decoding has refused it already.
	if len(worker.Ports) != 0 {
		t.Errorf("ports %v: the second worker could not bind them", worker.Ports)
	}
	for _, volume := range worker.Volumes {
		if !strings.HasSuffix(volume, ":ro") {
			t.Errorf("volume %s: workers would write to the same files", volume)
		}
	}
	if got := worker.DependsOn["nats"].Condition; got != "service_healthy" {
		t.Errorf("depends_on nats: condition %q, want service_healthy", got)
	}
	if worker.PullPolicy != "build" || worker.Build["context"] != "." {
		t.Errorf("image %s may be somebody else's: build it here", worker.Image)
	}
	if got := worker.Environment["PUSHWORKER_NATS_URL"]; got != "${PUSHWORKER_NATS_URL:-nats://nats:4222}" {
		t.Errorf("PUSHWORKER_NATS_URL is %s; the default must be the service nats", got)
	}
	if diff := cmp.Diff([]envFile{{Path: ".env"}}, worker.EnvFile); diff != "" {
		t.Errorf(".env must be read, and may be absent:\n%s", diff)
	}
}

// What the workers need is made once, before them, with the settings that they have. Workers may
// make it, too: who runs them with --no-deps has no provision.
func TestComposeProvisionsBeforeWorkers(t *testing.T) {
	t.Parallel()
	file := compose(t)
	for worker, name := range map[string]string{"pushworker": "provision", "cluster-worker": "cluster-provision"} {
		before, after := file.Services[name], file.Services[worker]
		if !slices.Equal(before.Command, []string{"provision"}) || before.Restart != "no" {
			t.Errorf("%s: command %v, restart %q: it must run provision once", name, before.Command, before.Restart)
		}
		if got := after.DependsOn[name].Condition; got != "service_completed_successfully" {
			t.Errorf("%s: depends_on %s: condition %q, want service_completed_successfully", worker, name, got)
		}
		for _, of := range []service{before, after} {
			if of.Environment["PUSHWORKER_PROVISION"] != "" {
				t.Errorf("%s: PUSHWORKER_PROVISION is not for .env any more", worker)
			}
		}
		for what, diff := range map[string]string{
			"environment": cmp.Diff(after.Environment, before.Environment), "env_file": cmp.Diff(after.EnvFile, before.EnvFile),
			"volumes": cmp.Diff(after.Volumes, before.Volumes), "image": cmp.Diff(after.Image, before.Image), "profiles": cmp.Diff(after.Profiles, before.Profiles),
		} {
			if diff != "" {
				t.Errorf("%s has another %s than %s:\n%s", name, what, worker, diff)
			}
		}
	}
}

// Traces go from every worker to the collector, whose image docs/traces.md names, too, and
// Grafana finds it.
func TestComposeTraces(t *testing.T) {
	t.Parallel()
	file, page := compose(t), read(t, "docs/traces.md")
	jaeger := file.Services["jaeger"]
	if !strings.Contains(page, " "+jaeger.Image+"\n") {
		t.Errorf("docs/traces.md runs another image than %s", jaeger.Image)
	}
	for _, worker := range []string{"pushworker", "cluster-worker", "fake-worker"} {
		if got := file.Services[worker].Environment["OTEL_EXPORTER_OTLP_ENDPOINT"]; got != "${OTEL_EXPORTER_OTLP_ENDPOINT:-}" {
			t.Errorf("%s: OTEL_EXPORTER_OTLP_ENDPOINT is %q: traces are off unless it is set outside", worker, got)
		}
	}
	for name, want := range map[string]string{
		"docker-compose.yml": "OTEL_EXPORTER_OTLP_ENDPOINT=http://jaeger:4318", "docs/traces.md": "OTEL_EXPORTER_OTLP_ENDPOINT=http://jaeger:4318",
		"deploy/grafana/provisioning/datasources/jaeger.yml":     "uid: jaeger\n    type: jaeger\n    url: http://jaeger:16686",
		"deploy/grafana/provisioning/datasources/prometheus.yml": "exemplarTraceIdDestinations: [{ name: trace_id, datasourceUid: jaeger }]",
	} {
		if !strings.Contains(read(t, name), want) {
			t.Errorf("%s does not say %q", name, want)
		}
	}
	if !slices.Contains(file.Services["prometheus"].Command, "--enable-feature=exemplar-storage") {
		t.Error("prometheus keeps no exemplars")
	}
	if jaeger.Environment["JAEGER_LISTEN_HOST"] != "0.0.0.0" || len(jaeger.Ports) != 1 {
		t.Errorf("jaeger: environment %v, ports %v: workers must reach it, and this machine its pages only", jaeger.Environment, jaeger.Ports)
	}
}

func TestComposeGivesTheWorkerTimeToStop(t *testing.T) {
	t.Parallel()
	worker := compose(t).Services["pushworker"]
	limit, err := time.ParseDuration(worker.StopGrace)
	if err != nil {
		t.Fatal(err)
	}
	grace, err := time.ParseDuration(worker.Environment["PUSHWORKER_SHUTDOWN_GRACE"])
	if err != nil {
		t.Fatal(err)
	}
	if limit < grace+10*time.Second {
		t.Errorf("stop_grace_period %s: after the grace of %s the worker still hands back and drains", limit, grace)
	}
}

func TestComposeBroker(t *testing.T) {
	t.Parallel()
	file := compose(t)
	nats := file.Services["nats"]
	if want := "nats:" + required(t, "github.com/nats-io/nats-server/v2") + "-alpine"; !strings.HasPrefix(nats.Image, want) {
		t.Errorf("image %s: want %s, the release that the tests run against, in the variant with a shell's wget", nats.Image, want)
	}
	if !slices.Contains(nats.Volumes, "./deploy/nats-server.conf:"+nats.Command[len(nats.Command)-1]+":ro") {
		t.Errorf("volumes %v: the configuration that %v reads is not mounted", nats.Volumes, nats.Command)
	}
	settings := read(t, "deploy/nats-server.conf")
	if store := capture(t, `(?m)^\s+store_dir: (\S+)$`, settings); !slices.Contains(nats.Volumes, "nats-data:"+store) {
		t.Errorf("volumes %v: the store %s is not on the named volume", nats.Volumes, store)
	}
	for name, s := range file.Services {
		for _, volume := range s.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); !strings.HasPrefix(source, "./") {
				if _, ok := file.Volumes[source]; !ok {
					t.Errorf("%s: the volume %s is not declared", name, source)
				}
			}
		}
	}
	probe := nats.Healthcheck.Test
	if want := "http://127.0.0.1:" + capture(t, `(?m)^http: ".*:(\d+)"`, settings) + "/healthz"; probe[len(probe)-1] != want {
		t.Errorf("health check %v does not ask %s", probe, want)
	}
}

func TestComposeVariablesAreDocumented(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`PUSHWORKER_[A-Z_]*[A-Z]`)
	documented := name.FindAllString(read(t, ".env.example"), -1)
	used := name.FindAllString(read(t, "docker-compose.yml")+read(t, "Dockerfile"), -1)
	if len(used) == 0 {
		t.Fatal("no variable found; the test looks for the wrong thing")
	}
	for _, variable := range used {
		// The comment in the compose file speaks of "PUSHWORKER_ variables".
		if !slices.Contains(documented, variable) {
			t.Errorf("%s is not in .env.example", variable)
		}
	}
}
