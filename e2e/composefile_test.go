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

	"go.yaml.in/yaml/v3"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// composition runs services of docker-compose.yml as processes: the same commands, in the same
// order, with the same environment and files. A loopback address stands for each port of a
// service, and a folder for each volume.
type composition struct {
	t        *testing.T
	dir      string
	services map[string]composeService
	running  map[string][]*program
	// addresses are those of this machine, by instance and port.
	addresses map[string]string
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
const composeWait = patience

func compose(t *testing.T) *composition {
	t.Helper()
	data, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	c := &composition{t: t, dir: t.TempDir(), running: make(map[string][]*program), addresses: make(map[string]string)}
	file := struct {
		Services map[string]composeService `yaml:"services"`
	}{}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	c.services = file.Services
	return c
}

// at is where an instance of a service listens that means to listen at port. No test beside this
// one has that address, and no program of this machine.
func (c *composition) at(name string, instance int, port string) string {
	c.t.Helper()
	place := fmt.Sprintf("%s-%d:%s", name, instance, port)
	if c.addresses[place] == "" {
		c.addresses[place] = address.For(c.t)
	}
	return c.addresses[place]
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
	c.lay(name, instance, dir)
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
		if code := p.exit(); code != 0 {
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
		args = []string{natsServer}
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

// lay lays what the service mounts where its process finds it. That is done before the process
// starts, and once: a program that reads a file while it is written has half of its settings.
func (c *composition) lay(name string, instance int, dir string) {
	c.t.Helper()
	inside := c.inside(name, instance, dir)
	s := c.services[name]
	for _, v := range slices.Concat(s.Volumes, s.Tmpfs) {
		source, target, _ := strings.Cut(v, ":")
		target, _, _ = strings.Cut(target, ":")
		if strings.HasPrefix(source, "./") {
			c.copy(filepath.Join("..", source), dir+target, inside)
		} else {
			c.folder(c.place(source, dir))
		}
	}
}

// place is the folder of a volume, or of what a service has in memory.
func (c *composition) place(source, dir string) string {
	if strings.HasPrefix(source, "/") {
		return dir + source
	}
	return filepath.Join(c.dir, "volume-"+source)
}

// inside returns what makes a text of the container one of the process: paths, names of services with
// their ports, and the addresses that mean all of the container's.
func (c *composition) inside(name string, instance int, dir string) func(string) string {
	var pairs []string
	s := c.services[name]
	for _, v := range slices.Concat(s.Volumes, s.Tmpfs) {
		source, target, _ := strings.Cut(v, ":")
		target, _, _ = strings.Cut(target, ":")
		at := c.place(source, dir)
		switch {
		case strings.HasPrefix(source, "/"): // tmpfs
			pairs = append(pairs, source+"/", at+"/", "store_dir: "+source, "store_dir: "+at)
		case strings.HasPrefix(source, "./"):
			pairs = append(pairs, target, dir+target)
		default:
			pairs = append(pairs, target+"/", at+"/", "store_dir: "+target, "store_dir: "+at)
		}
	}
	paths := strings.NewReplacer(pairs...)
	return func(text string) string { return paths.Replace(c.addressed(name, instance, text)) }
}

// addressed gives a text of a container the addresses of this machine.
func (c *composition) addressed(name string, instance int, text string) string {
	c.t.Helper()
	return regexp.MustCompile(`([\w.-]+):(\d+)`).ReplaceAllStringFunc(text, func(all string) string {
		host, port, _ := strings.Cut(all, ":")
		_, known := c.services[host]
		switch {
		case host == "0.0.0.0" || host == "127.0.0.1" || host == name:
			return c.at(name, instance, port)
		case known:
			return c.at(host, 0, port)
		default:
			return all
		}
	})
}

func (c *composition) folder(path string) {
	c.t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		c.t.Fatal(err)
	}
}

// copy lays a file that the service mounts where its process finds it; a folder stays empty.
func (c *composition) copy(from, to string, inside func(string) string) {
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
	if err := os.WriteFile(to, []byte(inside(string(data))), 0o600); err != nil {
		c.t.Fatal(err)
	}
}
