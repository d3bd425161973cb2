package importer_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module = "github.com/pushworker/pushworker"
	root   = "../.." // of the repository
)

// TestWhatAnImporterOfThePublisherGets makes a chat server's module of Go 1.25 that
// imports pkg/publisher and nothing else, and holds the list of the requirements that the
// import adds to its go.mod. A new one needs a reason.
func TestWhatAnImporterOfThePublisherGets(t *testing.T) {
	t.Parallel()
	dir := chatServer(t)
	command(t, dir, "local", "build", "-mod=mod", ".")
	raised := command(t, dir, "local", "mod", "edit", "-print")
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) v`).FindAllStringSubmatch(raised, -1) {
		got = append(got, m[1])
	}
	want := []string{
		"github.com/klauspost/compress",
		"github.com/nats-io/nats.go",
		"github.com/nats-io/nkeys",
		"github.com/nats-io/nuid",
		module + "/pkg/publisher",
		module + "/pkg/push",
		"golang.org/x/crypto",
		"golang.org/x/sys",
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requirements (-want +got):\n%s", diff)
	}
	t.Logf("%d requirements: %s", len(got), strings.Join(got, " "))
	if !strings.Contains(raised, "\ngo 1.25.0\n") {
		t.Errorf("the import raised the Go version:\n%s", raised)
	}
}

// TestOldGo builds and vets the two packages with the oldest Go that they promise.
func TestOldGo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"push", "publisher"} {
		dir := filepath.Join(root, "pkg", name)
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		oldest := regexp.MustCompile(`(?m)^go (1\.25\.\d+)$`).FindSubmatch(text)
		if oldest == nil {
			t.Fatalf("%s/go.mod asks for another Go than 1.25:\n%s", dir, text)
		}
		toolchain := "go" + string(oldest[1])
		have := goCommand(t.Context(), dir, toolchain, "version")
		switch out, err := have.CombinedOutput(); {
		case err == nil:
		case os.Getenv("CI") != "":
			t.Fatalf("%s cannot be had: %v\n%s", toolchain, err, out)
		default:
			t.Skipf("%s cannot be had; download it once with GOTOOLCHAIN=%[1]s go version: %v\n%s", toolchain, err, out)
		}
		command(t, dir, toolchain, "vet", "./...")
	}
}

// chatServer makes a module that imports pkg/publisher, and returns its folder.
func chatServer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	pkg, err := filepath.Abs(filepath.Join(root, "pkg"))
	if err != nil {
		t.Fatal(err)
	}
	var mod strings.Builder
	mod.WriteString("module example.com/chat\n\ngo 1.25.0\n")
	for _, name := range []string{"publisher", "push"} {
		path := module + "/pkg/" + name
		mod.WriteString("\nrequire " + path + " v0.0.0\n\nreplace " + path + " => " + filepath.Join(pkg, name) + "\n")
	}
	sums, err := os.ReadFile(filepath.Join(pkg, "publisher", "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod":  mod.String(),
		"go.sum":  string(sums),
		"main.go": "package main\n\nimport _ \"" + module + "/pkg/publisher\"\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// command runs the go command of a toolchain in dir and returns what it prints.
func command(t *testing.T, dir, toolchain string, args ...string) string {
	t.Helper()
	cmd := goCommand(t.Context(), dir, toolchain, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

func goCommand(ctx context.Context, dir, toolchain string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
	return cmd
}
