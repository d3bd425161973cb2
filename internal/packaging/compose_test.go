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
	Name     string             `yaml:"name"`
	Hardened service            `yaml:"x-hardened"`
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Image       string            `yaml:"image"`
	PullPolicy  string            `yaml:"pull_policy"`
	Build       map[string]any    `yaml:"build"`
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

func TestComposeServices(t *testing.T) {
	t.Parallel()
	want := []string{"nats", "pushworker"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(compose(t).Services))); diff != "" {
		t.Error(diff)
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
		if s.Restart != "unless-stopped" {
			t.Errorf("%s: restart %q", name, s.Restart)
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
	if _, ok := file.Volumes["nats-data"]; !ok {
		t.Error("the volume nats-data is not declared")
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
