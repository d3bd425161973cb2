package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestWebhookReachesTheExamples: a real worker and the receivers that the documentation
// hands out. A receiver that is down for a while gets what was published meanwhile, one
// with another secret refuses it, and each receipt is printed once.
func TestWebhookReachesTheExamples(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"node":   {"node", "receiver.mjs"},
		"python": {"python3", "receiver.py"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := interpreter(t, args[0])
			file, err := filepath.Abs(filepath.Join("../deploy/examples/webhook", args[1]))
			if err != nil {
				t.Fatal(err)
			}
			dir, addr, hook := t.TempDir(), address.For(t), address.For(t)
			startBroker(t, dir, addr)
			startWorker(t, dir, "PUSHWORKER_NATS_URL=nats://"+addr, `PUSHWORKER_HANDLERS=[{"name":"webhook","config":{"url":"http://`+hook+
				`/","allow_private":true,"secrets":["`+hookSecret+`"],"retry":{"base":"100ms","cap":"1s"}}}]`).ready(patience)
			receiver := func(secret string) *program {
				host, port, _ := net.SplitHostPort(hook)
				p := start(t, process.Spec{
					Name: "receiver", Dir: dir, Args: []string{path, file},
					Env: []string{"PATH=" + os.Getenv("PATH"), "WEBHOOK_SECRET=" + secret, "HOST=" + host, "PORT=" + port},
				})
				await(t, patience, "the receiver listens", func() bool { return strings.Contains(p.log(), "receiving at") })
				return p
			}
			conn := connect(t, addr)
			pub, err := conn.Publisher(publisher.Config{})
			if err != nil {
				t.Fatal(err)
			}
			publish := func(seq int) {
				r := &push.Receipt{
					To:      map[push.Uid]push.Recipient{userOf(1): {Unread: 1}},
					Payload: push.Payload{What: push.ActMsg, Topic: "grpE2E", SeqId: seq, Content: "hello"},
				}
				if _, err := pub.Publish(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			publish(1) // while it is down
			first := receiver(hookSecret)
			printed(t, first, 1)
			publish(2)
			printed(t, first, 2)
			first.Kill()
			publish(3)
			stranger := receiver("whsec_" + strings.Repeat("A", 40))
			publish(4)
			await(t, patience, "both receipts are kept", func() bool {
				lane, ok := laneOf(t.Context(), conn, "webhook")
				return ok && lane.Pending+uint64(lane.InFlight)+lane.RetriesWaiting >= 2
			})
			stranger.Kill()
			if text := output(t, stranger); text != "" {
				t.Errorf("a receiver with another secret takes %s", text)
			}
			second := receiver(hookSecret)
			printed(t, second, 3)
			printed(t, second, 4)
			if err := pub.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// interpreter is where a program is that the examples need. CI has it: .ci/run installs
// what is missing there.
func interpreter(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: .ci/run must install it", name)
	default:
		t.Skipf("%s is missing: install it to test the example for it", name)
	}
	return path
}

// output is what a process has printed.
func output(t *testing.T, p *program) string {
	t.Helper()
	text, err := os.ReadFile(p.Out())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// printed waits until a receiver has printed message seq, and wants it there once.
func printed(t *testing.T, p *program, seq int) {
	t.Helper()
	count := func() int {
		text := output(t, p)
		return strings.Count(text, fmt.Sprintf(`"seq":%d`, seq)) + strings.Count(text, fmt.Sprintf(`"seq": %d`, seq))
	}
	await(t, patience, fmt.Sprintf("the receiver prints message %d", seq), func() bool { return count() > 0 })
	if n := count(); n != 1 {
		t.Errorf("message %d is printed %d times", seq, n)
	}
}
