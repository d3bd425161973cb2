package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/publisher/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// chatAddr, when set, makes this test binary a chat server that answers for devices: those
// in the file that chatDevices names, or nonsense without one.
const chatAddr, chatDevices = "PUSHWORKER_E2E_CHAT_ADDR", "PUSHWORKER_E2E_CHAT_DEVICES"

// serveChat runs until the process is killed.
func serveChat(addr, file string) int {
	nc, err := nats.Connect("nats://"+addr, nats.Timeout(patience), nats.MaxReconnects(-1))
	if err == nil && file == "" {
		_, err = nc.QueueSubscribe("push.directory.*", "push-directory", func(m *nats.Msg) { _ = m.Respond([]byte("<html>502</html>")) })
	}
	keeper := device.New(&device.Memory{}, device.Options{})
	if err == nil && file != "" {
		err = load(keeper, file)
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	if file == "" {
		select {}
	}
	err = devices.Answer(context.Background(), nc, keeper, devices.AnswerConfig{})
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func load(keeper *device.Directory, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		var d push.Device
		if d, err = device.ParseLine([]byte(strings.TrimSpace(line))); err == nil {
			_, err = keeper.Put(context.Background(), d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chat starts a chat server that knows the devices of users 1 to n, or nonsense if n is 0.
func (w *fcmWorld) chat(n int) *program {
	w.Helper()
	file := ""
	if n > 0 {
		var lines strings.Builder
		for i := 1; i <= n; i++ {
			fmt.Fprintf(&lines, `{"user":%q,"id":"d%d","provider":"fcm","platform":"android","token":%q}`+"\n", userOf(i).UserId(), i, tokenOf(i))
		}
		file = filepath.Join(w.dir, "chat.jsonl")
		if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
			w.Fatal(err)
		}
	}
	p := start(w.T, process.Spec{
		Name: "chat", Dir: w.dir, Args: []string{self},
		Env: []string{"PATH=" + os.Getenv("PATH"), chatAddr + "=" + w.addr, chatDevices + "=" + file},
	})
	await(w.T, patience, "the chat server answers", func() bool {
		out, err := os.ReadFile(p.Out())
		return err == nil && strings.Contains(string(out), "ready")
	})
	return p
}

// TestChatServerAwayAndBack: the chat server that keeps the devices is not there, is killed
// in the middle, stands still and answers nonsense. Its lane waits and says why, the other
// lane delivers, and in the end everything has arrived once: an attempt would have been the
// last one, so none was counted.
func TestChatServerAwayAndBack(t *testing.T) {
	t.Parallel()
	const users = 20
	w := newFCMWorld(t, "")
	worker := startWorker(t, w.dir, append(w.env(), "PUSHWORKER_ACK_WAIT=3s", "PUSHWORKER_RETRY_MAX_ATTEMPTS=1",
		"PUSHWORKER_DIRECTORY=nats", "PUSHWORKER_DIRECTORY_TTL=0s", w.handlers(`,{"name":"stdout"}`))...)
	worker.ready(patience)
	waits := func(why string) {
		t.Helper()
		await(t, patience, "lane fcm waits: "+why, func() bool {
			return strings.Contains(page(t, worker, "/status"), why)
		})
		if ready := page(t, worker, "/readyz?verbose"); !strings.Contains(ready, why) {
			t.Errorf("readiness does not say %q: %s", why, ready)
		}
		before := metric(t, worker, `pushworker_receipts_settled_total{handler="stdout",verdict="ack"}`)
		await(t, patience, "lane stdout delivers meanwhile", func() bool {
			return metric(t, worker, `pushworker_receipts_settled_total{handler="stdout",verdict="ack"}`) > before+5
		})
	}
	resumes := func(what string) {
		t.Helper()
		before, began := w.stats().Accepted, time.Now()
		w.arrived(before + 1)
		t.Logf("%s: the first push arrived %v after the chat server answered again", what, time.Since(began).Round(time.Millisecond))
		w.arrived(before + 20)
		await(t, patience, what+": the worker is ready", func() bool { return strings.Contains(page(t, worker, "/readyz?verbose"), "[+] lane fcm") })
	}
	w.underLoad(users, 20, func() {
		waits("no chat server answers push.directory.get")
		chat := w.chat(users)
		resumes("after a start")
		chat.Kill()
		waits("no chat server answers push.directory.get")
		chat = w.chat(users)
		resumes("after it was killed")
		if err := chat.Freeze(); err != nil {
			t.Fatal(err)
		}
		waits("has not answered")
		if err := chat.Thaw(); err != nil {
			t.Fatal(err)
		}
		resumes("after it stood still")
		nonsense := w.chat(0)
		chat.Kill()
		waits("is not of the form")
		w.chat(users)
		nonsense.Kill()
		resumes("after nonsense")
	})
	w.drained("stdout")
	w.check(0)
}
