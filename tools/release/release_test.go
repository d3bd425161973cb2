package release_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// root is the repository's root, seen from this package.
const root = "../.."

// The versions that are built; the second upgrades the first. Both are snapshots, whose
// notes are the changelog's section Unreleased.
const older, newer = "0.0.0-snapshot.1.aaaaaaa", "0.0.0-snapshot.2.bbbbbbb"

// built is a folder with what release.sh has made of both versions, and clean a root of Debian
// without anything that is not essential.
var built, clean string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "release")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		built, clean = filepath.Join(dir, "built"), filepath.Join(dir, "clean")
		if os.Geteuid() != 0 {
			fmt.Fprintln(os.Stderr, "installing packages in a root needs the right to chroot: run as root")
			return 1
		}
		for _, version := range []string{older, newer} {
			must(root, []string{"RELEASE_VERSION=" + version}, "tools/release/release.sh", "linux/"+runtime.GOARCH)
			must(root, nil, "cp", "-r", "dist", filepath.Join(dir, version))
		}
		must(root, nil, "mkdir", built)
		for _, version := range []string{older, newer} {
			must(dir, nil, "mv", version, filepath.Join(built, version))
		}
		must(dir, nil, "debootstrap", "--variant=minbase", codename(), clean)
		return m.Run()
	}())
}

// codename is that of this machine's release of Debian or Ubuntu, whose archive it can reach.
func codename() string {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return name
		}
	}
	panic("/etc/os-release has no VERSION_CODENAME")
}

// must runs a program before the tests.
func must(dir string, env []string, args ...string) {
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %v\n%s", args, err, out))
	}
}

// run runs a program and returns what it prints.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// one is the only file of a version whose name ends so.
func one(t *testing.T, version, suffix string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(built, version, "*"+suffix))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files *%s of %s: %v", len(files), suffix, version, err)
	}
	return files[0]
}

func TestArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, "tar", "-xzf", one(t, newer, ".tar.gz"), "-C", dir)
	top := filepath.Join(dir, "pushworker_"+newer+"_linux_"+runtime.GOARCH)
	for _, name := range []string{"LICENSE", "CHANGELOG.md", ".env.example", "deploy/chart/Chart.yaml", "deploy/chart/files/alerts.yml", "deploy/alerts.yml", "man/pushworker.1.gz", "man/pushworker-run.1.gz", "completion/pushworker.bash", "completion/_pushworker", "completion/pushworker.fish"} {
		if info, err := os.Stat(filepath.Join(top, name)); err != nil || info.Size() == 0 {
			t.Errorf("the archive lacks %s: %v", name, err)
		}
	}
	if out := run(t, filepath.Join(top, "pushworker"), "version"); !strings.Contains(out, "v"+newer) {
		t.Errorf("version: %s", out)
	}
}

func TestSumsNotesAndSBOM(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(built, newer)
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "sha256sums.txt")
	check.Dir = dir
	out, err := check.CombinedOutput()
	if err != nil || strings.Count(string(out), ": OK") != 5 { // archive, deb, rpm, notes, SBOM
		t.Errorf("%v\n%s", err, out)
	}
	notes, err := os.ReadFile(filepath.Join(dir, "release-notes.md"))
	if err != nil || !strings.Contains(string(notes), "### ") || strings.Contains(string(notes), "\n## [") {
		t.Errorf("notes: %v\n%.300s", err, notes)
	}
	var sbom struct {
		BOMFormat  string
		Components []struct{ Name string }
	}
	data, err := os.ReadFile(filepath.Join(dir, "pushworker.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &sbom); err != nil || sbom.BOMFormat != "CycloneDX" || len(sbom.Components) < 20 {
		t.Errorf("SBOM: %v, %s, %d components", err, sbom.BOMFormat, len(sbom.Components))
	}
}

// A tag needs a section of the changelog: a release without notes is refused.
func TestNotesOfAnUnknownVersion(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "./notes.sh", "9.9.9").CombinedOutput(); err == nil || !strings.Contains(string(out), "no section [9.9.9]") {
		t.Errorf("%v: %s", err, out)
	}
}
