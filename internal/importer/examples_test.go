package importer_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/push"
)

// example is a command that runs a program of examples/, where its runtime is installed.
func example(t *testing.T, url, runtime, program string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(root, "examples", filepath.Dir(program)))
	if err != nil {
		t.Fatal(err)
	}
	missing := ""
	path, err := exec.LookPath(runtime)
	if err != nil {
		missing = runtime + " is missing: install it"
	} else if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil && runtime == "node" {
		missing = "the clients of the examples are missing: run npm ci --prefix examples/node --ignore-scripts"
	}
	switch {
	case missing != "" && os.Getenv("CI") != "":
		t.Fatal(missing)
	case missing != "":
		t.Skip(missing)
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{filepath.Base(program)}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NATS_URL="+url, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	return cmd
}

// languages are the examples by their runtime.
var languages = map[string]string{"node": "node/%.mjs", "python3": "python/%.py"}

func program(runtime, name string) string { return strings.Replace(languages[runtime], "%", name, 1) }

// Published twice under one id, and before there is a stream, a receipt is stored once.
func TestExamplesPublish(t *testing.T) {
	t.Parallel()
	for runtime := range languages {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t)
			text, err := message(42).AppendJSON(nil, push.KeyText)
			if err != nil {
				t.Fatal(err)
			}
			run := func() (*exec.Cmd, *strings.Builder) {
				cmd := example(t, b.URL(), runtime, program(runtime, "publish"), "msg.grpChess.42")
				var said strings.Builder
				cmd.Stdin, cmd.Stdout = strings.NewReader(string(text)), &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				return cmd, &said
			}
			nc := dial(t, b.URL())
			tries, err := nc.SubscribeSync("push.receipts")
			if err != nil {
				t.Fatal(err)
			}
			first, firstSaid := run()
			if _, err := tries.NextMsgWithContext(patient(t)); err != nil { // it tries, and nobody stores
				t.Fatal(err)
			}
			s := stream(t, nc, nil)
			if err := first.Wait(); err != nil {
				t.Fatal(err)
			}
			second, secondSaid := run()
			if err := second.Wait(); err != nil {
				t.Fatal(err)
			}
			if got := strings.ToLower(firstSaid.String() + secondSaid.String()); !strings.HasPrefix(got, "push 1") || !strings.HasSuffix(got, "push 1 true\n") {
				t.Errorf("said %q", got)
			}
			all := stored(t, s)
			if len(all) != 1 || string(all[0].Data) != string(text) {
				t.Errorf("%d receipts stored", len(all))
			}
		})
	}
}

// The examples answer with the devices of those who were asked for, and remove a dead one unless it was
// registered again meanwhile.
func TestExamplesAnswerForDevices(t *testing.T) {
	t.Parallel()
	const lines = `{"user":"782riWdFIwE","id":"phone","provider":"fcm","token":"t1","registered":"2026-11-24T09:30:00Z"}
{"user":"782riWdFIwE","id":"tablet","provider":"fcm","token":"t2","registered":"2026-11-24T10:30:00.5Z"}
{"user":"EDJUdpi63P4","id":"phone","provider":"fcm","token":"t3","registered":"2026-11-24T09:30:00Z"}
`
	for runtime := range languages {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t)
			cmd := example(t, b.URL(), runtime, program(runtime, "directory"))
			cmd.Env = append(cmd.Env, "DEVICES="+deviceFile(t, runtime, lines))
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}()
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "answering\n" {
				t.Fatalf("said %q: %v", line, err)
			}
			nc := dial(t, b.URL())
			waitFor(t, "the broker", nc.IsConnected)
			if got := tokens(t, nc); got != "t1 t2" {
				t.Errorf("the user has %s", got)
			}
			for _, token := range []string{"t1", "t2"} {
				answer := ask(t, nc, "push.directory.gone", `{"device":{"user":"782riWdFIwE","id":"x","provider":"fcm","token":"`+token+
					`"},"as_of":"2026-11-24T10:00:00Z","reason":"unregistered"}`)
				if !strings.Contains(answer, "true") {
					t.Errorf("answered %s", answer)
				}
			}
			if got := tokens(t, nc); got != "t2" {
				t.Errorf("after t1 is gone the user has %s", got)
			}
			if answer := ask(t, nc, "push.directory.get", `no JSON`); !strings.Contains(answer, `"unavailable"`) {
				t.Errorf("answered %s", answer)
			}
		})
	}
}

// deviceFile makes of lines the store of an example.
func deviceFile(t *testing.T, runtime, lines string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "devices")
	if runtime == "node" {
		if err := os.WriteFile(name, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const fill = `import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE devices (user TEXT, id TEXT, provider TEXT, token TEXT, registered TEXT)")
db.executemany("INSERT INTO devices VALUES (:user, :id, :provider, :token, :registered)", map(json.loads, sys.stdin))
db.commit()`
	cmd := exec.CommandContext(t.Context(), runtime, "-c", fill, name)
	cmd.Stdin = strings.NewReader(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

func ask(t *testing.T, nc *nats.Conn, subject, text string) string {
	t.Helper()
	m, err := nc.RequestWithContext(patient(t), subject, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Data)
}

// tokens are those that an example knows of one of its users.
func tokens(t *testing.T, nc *nats.Conn) string {
	t.Helper()
	var answer struct{ Devices []push.Device }
	if err := json.Unmarshal([]byte(ask(t, nc, "push.directory.get", `{"users":["782riWdFIwE","AQAAAAAAAAA"]}`)), &answer); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range answer.Devices {
		if d.User.String() != "782riWdFIwE" || d.Provider != "fcm" || d.Registered.IsZero() {
			t.Errorf("a device is %v", d)
		}
		all = append(all, d.Token)
	}
	return strings.Join(all, " ")
}

// The example reads outcomes in both forms, and devices that are gone.
func TestExampleReadsOutcomes(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	nc := dial(t, b.URL())
	waitFor(t, "the broker", nc.IsConnected)
	stream(t, nc, func(c *jetstream.StreamConfig) { c.Name, c.Subjects = "PUSH_EVENTS", []string{"push.events.>"} })
	for subject, text := range map[string]string{
		"push.events.accepted.fcm": `{"at":"2026-11-24T09:30:15Z","handler":"fcm","stream":"PUSH","accepted":[[4711,2,"782riWdFIwE"]]}`,
		"push.events.outcome.fcm": `{"handler":"fcm","verdict":"bury","stream_seq":4712,"reason":"rejected","rejected":1}` + "\n" +
			`{"handler":"fcm","verdict":"ack","stream_seq":4713,"accepted":1}`,
		"push.events.device_gone": `{"user":"782riWdFIwE","id":"phone"}`,
	} {
		if err := nc.Publish(subject, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := example(t, b.URL(), "node", "node/outcomes.mjs")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	want := map[string]bool{"4711 fcm accepted 2": true, "4712 fcm bury rejected": true, "4713 fcm ack": true, "gone 782riWdFIwE phone": true}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines := bufio.NewScanner(out); len(want) > 0 && lines.Scan(); {
		if line := strings.TrimSpace(lines.Text()); !want[line] {
			t.Errorf("said %q", line)
		} else {
			delete(want, line)
		}
	}
	if len(want) > 0 {
		t.Errorf("did not say %v", want)
	}
}
