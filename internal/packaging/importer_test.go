package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/pushworker/pushworker"

// TestWhatAnImporterOfThePublisherGets holds the list of modules that are compiled
// into a chat server for pkg/publisher. A new one needs a reason. The importer is a
// module of its own, which a replace in our go.mod does not reach.
func TestWhatAnImporterOfThePublisherGets(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
	cmd.Dir = importer(t)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	want := []string{
		"example.com/chat",
		"github.com/klauspost/compress",
		"github.com/nats-io/nats.go",
		"github.com/nats-io/nkeys",
		"github.com/nats-io/nuid",
		module,
		"golang.org/x/crypto",
		"golang.org/x/sys",
	}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

// importer makes a module that imports pkg/publisher, at the versions that our
// go.mod requires, and returns its folder.
func importer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	_, required, _ := strings.Cut(read(t, "go.mod"), "\n")
	for name, text := range map[string]string{
		"go.mod":  "module example.com/chat\n" + required + "\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + top + "\n",
		"go.sum":  read(t, "go.sum"),
		"main.go": "package main\n\nimport _ \"" + module + "/pkg/publisher\"\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestToolsKeepTheirRequirements finds a requirement of the tools in our go.mod,
// where everybody who imports us inherits it.
func TestToolsKeepTheirRequirements(t *testing.T) {
	t.Parallel()
	const plot = "gonum.org/"
	if !strings.Contains(read(t, "bench/go.mod"), plot) {
		t.Fatalf("bench does not require %s; the test looks for the wrong thing", plot)
	}
	if strings.Contains(read(t, "go.mod"), plot) {
		t.Errorf("go.mod requires %s: go mod tidy; only bench draws", plot)
	}
}
