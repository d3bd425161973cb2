package browser_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// root is the repository's root, seen from this package.
const root = "../.."

// patience is how long a wait may last on a machine that is busy.
const patience = 3 * time.Minute

// alice is the user whose browser it is.
const alice = "usr782riWdFIwE"

// world is a worker with its own broker, a push service, a browser that takes pushes from it, and the
// chat's site, which is open in the browser.
type world struct {
	*testing.T
	service *pushService
	site    *site
	dir     string
	binary  string
	broker  string // its address
	env     []string
	public  string // the applicationServerKey of the browser's subscription
}

func newWorld(t *testing.T) *world {
	t.Helper()
	needFirefox(t)
	w := &world{T: t, dir: t.TempDir(), service: newPushService(t), site: newSite(t), broker: freeAddr(t)}
	w.binary = filepath.Join(w.dir, "pushworker")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags=disable_grpc_modules,timetzdata", "-o", w.binary, "./cmd/pushworker")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0") // as make build has it
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	startFirefox(t, w.site.url, w.service.url)
	w.startWorker()
	return w
}

// startWorker runs a worker with two VAPID keys. The browser has subscribed with the second, as one
// has whose subscription is older than the first.
func (w *world) startWorker() {
	w.Helper()
	young, _ := w.generate()
	old, public := w.generate()
	w.public = public
	handlers, err := json.Marshal([]map[string]any{{"name": "webpush", "config": map[string]any{
		"origins": []string{w.service.url}, "allow_private": []string{"127.0.0.0/8"}, "activate": true,
		"vapid":   []map[string]string{{"id": "young", "key": young}, {"id": "old", "key": old}},
		"subject": "mailto:push@example.com", "url": "https://chat.example.com/#{topic}",
	}}})
	if err != nil {
		w.Fatal(err)
	}
	admin := freeAddr(w.T)
	w.env = []string{
		"PUSHWORKER_EMBEDDED_ADDR=" + w.broker, "PUSHWORKER_DATA_DIR=" + filepath.Join(w.dir, "data"),
		"PUSHWORKER_ADMIN_ADDR=" + admin, "PUSHWORKER_HANDLERS=" + string(handlers),
	}
	log, err := os.Create(filepath.Join(w.dir, "worker.log"))
	if err != nil {
		w.Fatal(err)
	}
	cmd := w.command("run")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && w.Failed() {
			w.Logf("worker:\n%s", text[max(0, len(text)-3000):])
		}
	})
	w.eventually("the worker is ready", func() bool {
		answer, err := http.Get("http://" + admin + "/readyz")
		return err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
}

// generate makes a VAPID key pair, as an operator does.
func (w *world) generate() (private, public string) {
	w.Helper()
	words := strings.Fields(w.run("", "vapid", "generate"))
	for i, word := range words[:len(words)-1] {
		switch word {
		case "key":
			private = words[i+1]
		case "public":
			public = words[i+1]
		}
	}
	return private, public
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(w.Context(), w.binary, args...)
	cmd.Dir = w.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, w.env...)
	return cmd
}

// run gives a command its input, and returns what it prints.
func (w *world) run(input string, args ...string) string {
	w.Helper()
	cmd := w.command(args...)
	cmd.Stdin = strings.NewReader(input)
	var says strings.Builder
	cmd.Stderr = &says
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("%v: %v\n%s", args, err, says.String())
	}
	return string(out)
}

// device is what device ls shows of one.
type device struct {
	ID        string
	Activated bool
}

func (w *world) devices() []device {
	w.Helper()
	var all []device
	for line := range strings.Lines(w.run("", "device", "ls", "--user", alice, "-o", "jsonl")) {
		var d device
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			w.Fatalf("%v: %s", err, line)
		}
		all = append(all, d)
	}
	return all
}

// returnToken does what a chat server does with the token of a test push.
func (w *world) returnToken(token string) {
	w.Helper()
	nc, err := nats.Connect("nats://" + w.broker)
	if err != nil {
		w.Fatal(err)
	}
	defer nc.Close()
	answer, err := nc.Request("push.devices.ack", []byte(`{"token":"`+token+`"}`), patience)
	if err != nil || string(answer.Data) != `{"ok":true}` {
		w.Fatalf("push.devices.ack: %v %s", err, answer.Data)
	}
}

// publish publishes a message to alice, with the members of its payload that a test wants, and returns
// the receipt's sequence number.
func (w *world) publish(payload map[string]any) int {
	w.Helper()
	full := map[string]any{"what": "msg", "topic": "grpChess", "from": "usrEDJUdpi63P4"}
	maps.Copy(full, payload)
	text, err := json.Marshal(map[string]any{"to": map[string]any{alice: map[string]any{"unread": 3}}, "payload": full})
	if err != nil {
		w.Fatal(err)
	}
	var stored struct {
		Seq int `json:"seq"`
	}
	if out := w.run(string(text), "publish", "-o", "jsonl", "-"); json.Unmarshal([]byte(out), &stored) != nil || stored.Seq == 0 {
		w.Fatalf("publish says %q", out)
	}
	return stored.Seq
}

// explained waits until explain says that a receipt's fate is want, and returns what it says of it.
func (w *world) explained(receipt int, want string) string {
	w.Helper()
	var said string
	w.eventually(fmt.Sprintf("receipt %d is %s", receipt, want), func() bool {
		said = w.run("", "explain", strconv.Itoa(receipt), "-o", "jsonl")
		var story struct {
			Lanes []struct{ Handler, Fate string }
		}
		if err := json.Unmarshal([]byte(said), &story); err != nil {
			w.Fatalf("%v: %s", err, said)
		}
		return len(story.Lanes) == 1 && story.Lanes[0].Handler == "webpush" && story.Lanes[0].Fate == want
	})
	return said
}

func (w *world) eventually(what string, so func() bool) {
	w.Helper()
	eventually(w.T, what, so)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
