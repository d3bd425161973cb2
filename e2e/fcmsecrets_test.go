package e2e_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestFCMSecrets: tokens, what people write, and the service account's key appear in
// nothing that a worker says, whatever FCM answers and at every level of the log,
// and in nothing that the commands show unless they are told to.
func TestFCMSecrets(t *testing.T) {
	t.Parallel()
	w := newFCMWorld(t, `,"retry":{"max_attempts":2,"base":"200ms","cap":"300ms"}`)
	answers := []string{
		"accepted", "unregistered", "not-found", "invalid-token", "invalid-argument", "sender-mismatch", "third-party-auth",
		"quota-device", "internal", "bad-gateway-html", "reset", "cut",
		`","status":400,"body":"{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"MARKER-TOKEN-12 MARKER-CONTENT\",\"details\":[{\"fieldViolations\":[{\"field\":\"message.data\",\"description\":\"MARKER-CONTENT\"}]}]}}`,
		`","status":500,"body":"MARKER-TOKEN-13 MARKER-CONTENT`,
	}
	var devices, rules strings.Builder
	for i, answer := range answers {
		platform := "android"
		if answer == "third-party-auth" { // which the others need not wait for
			platform = "web"
		}
		fmt.Fprintf(&devices, `{"user":%q,"id":"d%d","provider":"fcm","platform":%q,"token":"MARKER-TOKEN-%d"}`+"\n", userOf(i).UserId(), i, platform, i)
		fmt.Fprintf(&rules, `{"token":"MARKER-TOKEN-%d","answer":"%s","retry_after":"none"},`, i, answer)
	}
	w.register(devices.String())
	w.script(strings.TrimSuffix(rules.String(), ","))
	worker := w.worker("PUSHWORKER_LOG_LEVEL=trace")
	for i := range answers {
		r := w.message(userOf(i))
		r.Payload.Content = "MARKER-CONTENT"
		w.publish(r)
	}
	all := w.message(func() (users []push.Uid) {
		for i := range answers {
			users = append(users, userOf(i))
		}
		return users
	}()...)
	all.Payload.Content = "MARKER-CONTENT"
	w.publish(all)
	await(t, patience, "some are accepted and some are letters", func() bool {
		return w.stats().Accepted >= 2 && metric(t, worker, "pushworker_dead_letters_total") >= 3
	})
	secrets := []string{"MARKER-TOKEN", privatePart(read(t, w.credentials)), "MARKER-CONTENT"}
	hidden := func(where, text string, secrets ...string) {
		t.Helper()
		if len(text) == 0 {
			t.Errorf("%s says nothing", where)
		}
		for _, secret := range secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s shows %q: %s", where, secret, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
	hidden("/metrics", page(t, worker, "/metrics"), secrets...)
	hidden("/status", page(t, worker, "/status"), secrets...)
	hidden("/readyz", page(t, worker, "/readyz?verbose"), secrets...)
	env := append(w.env(), "PUSHWORKER_ADMIN_ADDR="+worker.admin, w.handlers(""))
	for _, args := range w.commands() {
		code, out, errs := command(t, env, args...)
		if code != 0 {
			t.Errorf("%v ended with %d: %s", args, code, errs)
		}
		if args[1] == "show" { // a letter's receipt is what it is asked for
			hidden(strings.Join(args, " "), out+errs, secrets[:2]...)
			continue
		}
		hidden(strings.Join(args, " "), out+errs, secrets...)
	}
	if err := worker.Signal(syscall.SIGQUIT); err != nil { // its stacks are what a crash shows
		t.Fatal(err)
	}
	worker.exit()
	if log := worker.log(); !strings.Contains(log, "goroutine ") || !strings.Contains(log, `"level":"debug"`) {
		t.Errorf("the log lacks stacks or a level:\n%.2000s", log)
	}
	hidden("the log", worker.log(), secrets...)
}

// commands are those that show something of devices, letters and lanes.
func (w *fcmWorld) commands() [][]string {
	w.Helper()
	all := [][]string{
		{"status", "-o", "table"},
		{"status", "-o", "json"},
		{"config", "print"},
		{"deadletter", "ls", "--all"},
		{"deadletter", "ls", "--all", "-o", "jsonl"},
	}
	for _, output := range []string{"table", "json", "jsonl"} {
		all = append(all, []string{"device", "ls", "--user", userOf(0).UserId(), "-o", output})
	}
	for seq := 1; seq <= w.letters(); seq++ {
		all = append(all, []string{"deadletter", "show", strconv.Itoa(seq)})
	}
	return all
}

// privatePart is a line of a service account's key.
func privatePart(account string) string {
	_, key, _ := strings.Cut(account, `-----BEGIN PRIVATE KEY-----\n`)
	line, _, _ := strings.Cut(key, `\n`)
	return line
}
