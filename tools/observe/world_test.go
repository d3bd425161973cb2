package observe_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// root is the repository's root, seen from this package.
const root = "../.."

// patience is how long a wait may last on a machine that is busy.
const patience = 3 * time.Minute

// world is a worker with its own broker, a fake FCM, and a Prometheus that scrapes the worker.
type world struct {
	*testing.T
	dir, binary             string
	fake, admin, prometheus string // addresses
	env                     []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), fake: freeAddr(t), admin: freeAddr(t), prometheus: freeAddr(t)}
	w.binary = filepath.Join(w.dir, "pushworker")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=disable_grpc_modules,timetzdata", "-o", w.binary, "./cmd/pushworker")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	account := filepath.Join(w.dir, "fake.json")
	w.env = []string{
		"PUSHWORKER_EMBEDDED_ADDR=" + freeAddr(t), "PUSHWORKER_DATA_DIR=" + filepath.Join(w.dir, "data"), "PUSHWORKER_ADMIN_ADDR=" + w.admin,
		`PUSHWORKER_HANDLERS=[{"name":"fcm","config":{"credentials_file":"` + account + `","endpoint":"http://` + w.fake + `/v1"}}]`,
	}
	w.start(w.binary, "fake", "fcm", "--addr", w.fake, "--credentials", account, "--quiet")
	w.eventually("the fake has written its key", func() bool {
		info, err := os.Stat(account)
		return err == nil && info.Size() > 0
	})
	w.start(w.binary, "run")
	w.eventually("the worker is ready", func() bool { return ok("http://" + w.admin + "/readyz") })
	w.run("device", "put", "--user", "usr782riWdFIwE", "--id", "phone", "--provider", "fcm", "--platform", "android", "--token", "my-token")
	w.startPrometheus()
	return w
}

// startPrometheus runs Prometheus with the files of deploy, but for what a test cannot wait for: it
// scrapes each second, and an alert is pending for as many seconds as deploy says minutes.
func (w *world) startPrometheus() {
	w.Helper()
	rules := filepath.Join(w.dir, "alerts.yml")
	w.write(rules, regexp.MustCompile(`for: (\d+)m`).ReplaceAllString(read(w.T, "deploy/alerts.yml"), "for: ${1}s"))
	config := regexp.MustCompile(`(?s)dns_sd_configs:.*`).ReplaceAllString(read(w.T, "deploy/prometheus.yml"), `static_configs: [{targets: ["`+w.admin+`"]}]`)
	config = strings.NewReplacer("_interval: 5s", "_interval: 1s", "/etc/prometheus/alerts.yml", rules).Replace(config)
	w.write(filepath.Join(w.dir, "prometheus.yml"), config)
	w.start("prometheus", "--config.file="+filepath.Join(w.dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(w.dir, "tsdb"),
		"--web.listen-address="+w.prometheus)
	w.eventually("Prometheus is ready", func() bool { return ok("http://" + w.prometheus + "/-/ready") })
}

// publish publishes receipts, twenty a second, until the test ends.
func (w *world) publish() {
	w.Helper()
	cmd := w.command(w.binary, "publish", "--quiet", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		w.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for seq := 1; ; seq++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			_, err := fmt.Fprintf(in, `{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","topic":"grp%d","from":"usrEDJUdpi63P4","seq":%d}}`+"\n", seq%50, seq)
			if err != nil {
				w.Error(err)
				return
			}
		}
	}()
	w.Cleanup(func() {
		stop()
		<-done
		_ = in.Close()
		_ = cmd.Wait()
	})
}

// script has the fake answer by these rules from now on.
func (w *world) script(rules string) {
	w.Helper()
	answer, err := http.Post("http://"+w.fake+"/fake/script", "application/json", strings.NewReader(`{"rules":[`+rules+`]}`))
	if err != nil {
		w.Fatal(err)
	}
	if answer.Body.Close() != nil || answer.StatusCode != http.StatusOK {
		w.Fatalf("the fake refuses the script: %s", answer.Status)
	}
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(w.Context(), args[0], args[1:]...)
	cmd.Dir = w.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, w.env...)
	return cmd
}

// start runs a program until the test ends; the test's log has what it says if the test fails.
func (w *world) start(args ...string) {
	w.Helper()
	log, err := os.CreateTemp(w.dir, filepath.Base(args[0])+"-*.log")
	if err != nil {
		w.Fatal(err)
	}
	cmd := w.command(args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.Fatalf("%s: %v (prometheus is in Debian's package prometheus)", args[0], err)
	}
	w.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && w.Failed() {
			w.Logf("%v:\n%s", args, text[max(0, len(text)-3000):])
		}
	})
}

func (w *world) run(args ...string) {
	w.Helper()
	if out, err := w.command(append([]string{w.binary}, args...)...).CombinedOutput(); err != nil {
		w.Fatalf("%v: %v\n%s", args, err, out)
	}
}

func (w *world) write(path, text string) {
	w.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// eventually waits until what is so.
func (w *world) eventually(what string, so func() bool) {
	w.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !so(); {
		select {
		case <-tick.C:
		case <-end:
			w.Fatalf("after %v: not yet: %s", patience, what)
		}
	}
}

func ok(url string) bool {
	answer, err := http.Get(url)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
