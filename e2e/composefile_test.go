package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// composition runs services of docker-compose.yml as processes: the same commands, in the same
// order, with the same environment and files. A service's name stands for a loopback
// address of its own, and a folder for each volume.
type composition struct {
	t        *testing.T
	dir      string
	nats     string // the path of nats-server
	services map[string]composeService
	running  map[string][]*program
}

// composeService is what of a service matters to a process.
type composeService struct {
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	NetworkMode string            `yaml:"network_mode"`
	Environment map[string]string `yaml:"environment"`
	Volumes     []string          `yaml:"volumes"`
	Tmpfs       []string          `yaml:"tmpfs"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

// composeWait is how long a service may take to be healthy, on a machine that is busy.
const composeWait = 2 * time.Minute

func compose(t *testing.T) *composition {
	t.Helper()
	data, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	c := &composition{t: t, dir: t.TempDir(), running: make(map[string][]*program)}
	file := struct {
		Services map[string]composeService `yaml:"services"`
	}{}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	c.services = file.Services
	c.nats = filepath.Join(c.dir, "nats-server")
	if out, err := build(t.Context(), c.nats, "github.com/nats-io/nats-server/v2"); err != nil {
		t.Fatalf("build nats-server: %v\n%s", err, out)
	}
	return c
}

// address is where an instance of a service listens. Each run of the tests, each test and each
// instance has one of its own.
func (c *composition) address(name string, instance int) string {
	names := make([]string, 0, len(c.services))
	for n := range c.services {
		names = append(names, n)
	}
	slices.Sort(names)
	part := os.Getpid()*7 + len(c.t.Name())
	return fmt.Sprintf("127.%d.%d.%d", 1+part>>8&0x7f, part&0xff, 1+slices.Index(names, name)*8+instance)
}

// up starts an instance of a service, after what it depends on.
func (c *composition) up(name string, instance int) *program {
	c.t.Helper()
	s, ok := c.services[name]
	if !ok {
		c.t.Fatalf("no service %s", name)
	}
	for other := range s.DependsOn { // all of them at once: nodes of a cluster wait for each other
		c.ensure(other)
	}
	for other, wait := range s.DependsOn {
		c.await(other, wait.Condition)
	}
	dir := filepath.Join(c.dir, fmt.Sprintf("%s-%d", name, instance))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		c.t.Fatal(err)
	}
	inside := c.inside(name, instance, dir)
	p := start(c.t, process.Spec{Name: name, Dir: dir, Args: c.args(s, s.Command, inside), Env: c.environment(s, inside)})
	c.running[name] = append(c.running[name], p)
	return p
}

// ensure starts a service unless it runs.
func (c *composition) ensure(name string) {
	c.t.Helper()
	if len(c.running[name]) == 0 && !c.handsOver(name) {
		c.up(name, 0)
	}
}

// handsOver is whether a service only hands volumes to the programs' user: ours are this user's.
func (c *composition) handsOver(name string) bool { return c.services[name].NetworkMode == "none" }

// await waits for the condition of a service that others depend on.
func (c *composition) await(name, condition string) {
	c.t.Helper()
	if c.handsOver(name) {
		return
	}
	c.ensure(name)
	p := c.running[name][0]
	if condition == "service_completed_successfully" {
		if code := p.exit(composeWait); code != 0 {
			c.t.Fatalf("%s ended with %d:\n%s", name, code, p.log())
		}
		return
	}
	await(c.t, composeWait, name+" is healthy", func() bool {
		p.runs()
		return c.healthy(name, filepath.Join(c.dir, name+"-0"))
	})
}

// healthy runs the health check of a service, or that of the image.
func (c *composition) healthy(name, dir string) bool {
	s := c.services[name]
	test, inside := s.Healthcheck.Test, c.inside(name, 0, dir)
	if len(test) == 0 {
		test = []string{"CMD", "/pushworker", "healthcheck"}
	}
	if test[1] == "wget" {
		answer, err := http.Get(inside(test[len(test)-1]))
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}
	args := c.args(s, test[2:], inside)
	check := exec.CommandContext(c.t.Context(), args[0], args[1:]...)
	check.Env, check.Dir = c.environment(s, inside), dir
	return check.Run() == nil
}

// args is a command of the service, as its image runs it.
func (c *composition) args(s composeService, command []string, inside func(string) string) []string {
	args := []string{binary}
	if strings.HasPrefix(s.Image, "nats:") {
		args = []string{c.nats}
	} else if len(command) == 0 {
		command = []string{"run"}
	}
	for _, a := range command {
		args = append(args, inside(a))
	}
	return args
}

func (c *composition) environment(s composeService, inside func(string) string) []string {
	env := []string{"PUSHWORKER_DATA_DIR=" + inside("/data/")} // the image's
	withDefault := regexp.MustCompile(`\$\{\w+:-([^}]*)\}`)
	for name, value := range s.Environment {
		env = append(env, name+"="+inside(withDefault.ReplaceAllString(value, "$1")))
	}
	return env
}

// inside returns what makes a text of the container one of the process: paths, names of services, and
// the addresses that mean all of the container's.
func (c *composition) inside(name string, instance int, dir string) func(string) string {
	var pairs []string
	for other := range c.services {
		pairs = append(pairs, "//"+other+":", "//"+c.address(other, 0)+":")
	}
	own := c.address(name, instance)
	pairs = append(pairs, "0.0.0.0:", own+":", "127.0.0.1:", own+":")
	var files []string
	s := c.services[name]
	for _, v := range slices.Concat(s.Volumes, s.Tmpfs) {
		source, target, _ := strings.Cut(v, ":")
		target, _, _ = strings.Cut(target, ":")
		switch {
		case strings.HasPrefix(source, "/"): // tmpfs
			pairs = append(pairs, source+"/", dir+source+"/", "store_dir: "+source, "store_dir: "+dir+source)
			c.folder(dir + source)
		case strings.HasPrefix(source, "./"):
			pairs = append(pairs, target, dir+target)
			files = append(files, source, target)
		default:
			at := filepath.Join(c.dir, "volume-"+source)
			pairs = append(pairs, target+"/", at+"/", "store_dir: "+target, "store_dir: "+at)
			c.folder(at)
		}
	}
	if name == "fake-fcm" {
		pairs = append(pairs, name+":", own+":") // --addr
	}
	replacer := strings.NewReplacer(pairs...)
	for i := 0; i < len(files); i += 2 {
		c.copy(filepath.Join("..", files[i]), dir+files[i+1], replacer)
	}
	return replacer.Replace
}

func (c *composition) folder(path string) {
	c.t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		c.t.Fatal(err)
	}
}

// copy lays a file that the service mounts where its process finds it; a folder stays empty.
func (c *composition) copy(from, to string, r *strings.Replacer) {
	c.t.Helper()
	c.folder(filepath.Dir(to))
	data, err := os.ReadFile(from)
	if err != nil {
		if info, err := os.Stat(from); err == nil && info.IsDir() {
			c.folder(to)
			return
		}
		c.t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(r.Replace(string(data))), 0o600); err != nil {
		c.t.Fatal(err)
	}
}
