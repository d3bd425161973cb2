package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
)

// TestReadme: the first commands that a newcomer types, as the README has them, from one
// worker with its own broker to two Firebase projects. Other than there, addresses are free
// ones, the worker of the first terminal is started beside, and the fakes print to a file.
func TestReadme(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(begin string) string {
		_, text, ok := strings.Cut(string(data), "```sh\n"+begin)
		text, _, ends := strings.Cut(text, "```")
		if !ok || !ends {
			t.Fatalf("the README has no block that begins with %q", begin)
		}
		return begin + text
	}
	const stop = "\nkill $(jobs -p); wait\n"
	script := strings.Join([]string{
		"trap 'kill $(jobs -p) 2>/dev/null' EXIT",
		"./bin/pushworker run &\nuntil ./bin/pushworker healthcheck --ready 2>/dev/null; do sleep 0.1; done",
		regexp.MustCompile(`(?m)^make run .*\n`).ReplaceAllString(block("make run "), "") +
			"until ./bin/pushworker explain 1 | grep '^stdout *delivered'; do sleep 0.1; done" + stop,
		block("./bin/pushworker fake fcm --credentials") + "until grep -o my-token pushes; do sleep 0.1; done" + stop,
		block("./bin/pushworker fake fcm --http") + "until grep -o chat-token pushes && grep -o shop-token pushes; do sleep 0.1; done" + stop,
	}, "\n")
	script = strings.NewReplacer(
		"fake fcm --credentials", "fake fcm --http 127.0.0.1:9080 --credentials", // its default
		"--reveal &", "--reveal >>pushes &",
	).Replace(script)
	for _, shown := range []string{"127.0.0.1:9080", "127.0.0.1:9081", "127.0.0.1:9082"} {
		script = strings.ReplaceAll(script, shown, address.For(t))
	}

	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(dir, "bin", "pushworker")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), composeWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PUSHWORKER_EMBEDDED_ADDR=" + address.For(t), "PUSHWORKER_ADMIN_ADDR=" + address.For(t)}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	for _, want := range []string{
		`"content":"Hello"`, "my-token", "chat-token", "shop-token", "stored +PUSH 3 ", "stdout +delivered at",
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("the output has no %q: %v\n%s", want, err, out)
		}
	}
}
