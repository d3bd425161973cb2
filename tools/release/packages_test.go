package release_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// machine is a clean root, into which packages are installed.
type machine struct {
	*testing.T
	dir string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t, filepath.Join(t.TempDir(), "root")}
	run(t, "cp", "-a", clean, m.dir)
	return m
}

// inside runs a program in the root.
func (m machine) inside(args ...string) string {
	m.Helper()
	return run(m.T, append([]string{"chroot", m.dir}, args...)...)
}

// has is whether a path is there.
func (m machine) has(path string) bool {
	_, err := os.Lstat(filepath.Join(m.dir, path))
	return err == nil
}

// put brings a package of a version into the root.
func (m machine) put(version, suffix string) string {
	m.Helper()
	run(m.T, "cp", one(m.T, version, suffix), filepath.Join(m.dir, "pushworker"+suffix))
	return "/pushworker" + suffix
}

// edit changes the settings, as an operator does, and adds a secret and a store.
func (m machine) edit() {
	m.Helper()
	m.inside("sh", "-c", "echo PUSHWORKER_LOG_LEVEL=debug >>/etc/pushworker/env && echo s >/etc/pushworker/secrets/nats-password")
	m.inside("install", "-d", "-o", "pushworker", "-g", "pushworker", "-m", "0700", "/var/lib/pushworker")
}

// installed checks what a package of a version has brought.
func (m machine) installed(version string) {
	m.Helper()
	if out := m.inside("pushworker", "version"); !strings.Contains(out, "v"+version) {
		m.Errorf("version: %s", out)
	}
	for path, want := range map[string]string{
		"/usr/bin/pushworker":                                  "755 root root",
		"/usr/lib/systemd/system/pushworker.service":           "644 root root",
		"/etc/pushworker/env":                                  "640 root pushworker",
		"/etc/pushworker/secrets":                              "700 root root",
		"/usr/share/man/man1/pushworker-run.1.gz":              "644 root root",
		"/usr/share/bash-completion/completions/pushworker":    "644 root root",
		"/usr/share/pushworker/alerts.yml":                     "644 root root",
		"/usr/share/pushworker/permissions/nats-server.conf":   "644 root root",
		"/usr/share/fish/vendor_completions.d/pushworker.fish": "644 root root",
	} {
		if have := strings.TrimSpace(m.inside("stat", "--format=%a %U %G", path)); have != want {
			m.Errorf("%s is %s, want %s", path, have, want)
		}
	}
	if out := m.inside("getent", "passwd", "pushworker"); !strings.Contains(out, ":/var/lib/pushworker:/usr/sbin/nologin") {
		m.Errorf("user: %s", out)
	}
}

// kept checks that the operator's settings are still there.
func (m machine) kept() {
	m.Helper()
	if out := m.inside("tail", "-n", "1", "/etc/pushworker/env"); out != "PUSHWORKER_LOG_LEVEL=debug\n" {
		m.Errorf("the settings end with %q", out)
	}
	if !m.has("/etc/pushworker/secrets/nats-password") {
		m.Error("the secret is gone")
	}
}

// delivers runs the installed worker as its user, and has it deliver a receipt.
func (m machine) delivers() {
	m.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.Fatal(err)
	}
	embedded := l.Addr().String()
	_ = l.Close()
	// The settings as they were installed, but for addresses that are free here.
	const settings = `set -a; . /etc/pushworker/env; cd "$PUSHWORKER_DATA_DIR"; PUSHWORKER_LOG_FORMAT=json exec "$@"`
	as := func(args ...string) *exec.Cmd {
		environment := []string{
			"--userspec=pushworker:pushworker", m.dir, "env", "PUSHWORKER_EMBEDDED_ADDR=" + embedded, "PUSHWORKER_ADMIN_ADDR=127.0.0.1:0",
			"sh", "-c", settings, "sh",
		}
		cmd := exec.CommandContext(m.Context(), "chroot", append(environment, args...)...)
		cmd.WaitDelay = time.Minute
		return cmd
	}
	worker := as("pushworker", "run")
	out, err := worker.StdoutPipe()
	if err != nil {
		m.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		m.Fatal(err)
	}
	receipt := `{"to":{"782riWdFIwE":{}},"payload":{"what":"msg","topic":"grpnG99YhENiQU","from":"usrEDJUdpi63P4","seq":1,"content":"Hello"}}`
	end := time.Now().Add(time.Minute)
	for {
		publish := as("pushworker", "publish", "-")
		publish.Stdin = strings.NewReader(receipt)
		text, err := publish.CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(end) {
			m.Fatalf("publish: %v\n%s", err, text)
		}
	}
	late := time.AfterFunc(time.Until(end), func() { _ = worker.Process.Kill() })
	defer late.Stop()
	lines, printed := bufio.NewScanner(out), false
	for !printed && lines.Scan() { // told to stop before, it hands the receipt back
		printed = strings.Contains(lines.Text(), "Hello")
	}
	if err := worker.Process.Signal(os.Interrupt); err != nil {
		m.Fatal(err)
	}
	for lines.Scan() { // to the end, as Wait wants it
	}
	if err := worker.Wait(); err != nil || !printed {
		m.Errorf("the worker ended with %v, and has printed the receipt: %t", err, printed)
	}
}

func TestDeb(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.inside("dpkg", "--install", m.put(older, ".deb"))
	m.installed(older)
	m.edit()
	m.delivers()
	m.inside("dpkg", "--install", m.put(newer, ".deb"))
	m.installed(newer)
	m.kept()
	m.inside("dpkg", "--remove", "pushworker")
	if m.has("/usr/bin/pushworker") {
		t.Error("removed, and the binary is still there")
	}
	m.kept()
	m.inside("dpkg", "--purge", "pushworker")
	for _, path := range []string{"/etc/pushworker", "/var/lib/pushworker", "/usr/share/pushworker"} {
		if m.has(path) {
			t.Errorf("purged, and %s is still there: %s", path, m.inside("find", path))
		}
	}
}

func TestRPM(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	// The root is Debian's, whose packages the rpm's requirements do not know.
	rpm := func(args ...string) { run(t, append([]string{"rpm", "--root", m.dir, "--nodeps"}, args...)...) }
	rpm("--install", one(t, older, ".rpm"))
	m.installed(older)
	m.edit()
	m.delivers()
	rpm("--upgrade", one(t, newer, ".rpm"))
	m.installed(newer)
	m.kept()
	rpm("--erase", "pushworker")
	if m.has("/usr/bin/pushworker") || !m.has("/etc/pushworker/env.rpmsave") || !m.has("/var/lib/pushworker") {
		t.Errorf("erased: binary %v, saved settings %v, store %v", m.has("/usr/bin/pushworker"), m.has("/etc/pushworker/env.rpmsave"), m.has("/var/lib/pushworker"))
	}
}

// systemd takes the unit that is installed, and rates it as little exposed.
func TestUnit(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "deploy/pushworker.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "pushworker.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/pushworker", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "systemd-analyze", "verify", "--man=no", unit); strings.Contains(out, "pushworker") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	const limit = 15 // tenths; docs/production.md names the figure of Debian 12
	run(t, "systemd-analyze", "security", "--offline=true", fmt.Sprintf("--threshold=%d", limit), unit)
}
