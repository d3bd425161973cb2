package packaging_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/licensecheck"
)

var updateLicences = flag.Bool("update-licences", false, "write docs/licences.md, as make licences does")

// licencesDocument lists what the binary is made of.
const licencesDocument = "docs/licences.md"

// allowed are the licences whose terms a binary that is given away under
// Apache-2.0 keeps, by their SPDX identifiers.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// ours are the modules of this repository, with its licence.
const ours = "github.com/pushworker/pushworker/"

// dependency is a module of which code is in the binary.
type dependency struct{ path, version, dir, licence string }

// TestLicences finds a dependency whose licence is not allowed or not known, and a
// list that is not the binary's. It needs no network: what is in the binary is in
// the module cache.
func TestLicences(t *testing.T) {
	t.Parallel()
	deps := dependencies(t)
	for i, d := range deps {
		deps[i].licence = licence(t, d)
	}
	want := licences(deps)
	if *updateLicences {
		if err := os.WriteFile(filepath.Join(root, licencesDocument), []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(want, read(t, licencesDocument)); diff != "" {
		t.Errorf("%s is not what the binary is made of; run make licences (-want +have):\n%s", licencesDocument, diff)
	}
}

// dependencies are the modules of the binary, as the Makefile builds it for Linux.
func dependencies(t *testing.T) []dependency {
	t.Helper()
	tags := capture(t, `(?m)^TAGS\s+:= (\S+)$`, read(t, "Makefile"))
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags,
		"-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/pushworker")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	var deps []dependency
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 && !strings.HasPrefix(f[0], ours) {
			deps = append(deps, dependency{path: f[0], version: f[1], dir: f[2]})
		}
	}
	slices.SortFunc(deps, func(a, b dependency) int { return cmp.Compare(a.path, b.path) })
	deps = slices.Compact(deps)
	if len(deps) < 20 {
		t.Fatalf("%d dependencies; the test looks for the wrong thing", len(deps))
	}
	return deps
}

// licence is what a module's licence files are the text of.
func licence(t *testing.T, d dependency) string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"LICEN[CS]E*", "COPYING*", "License*"} {
		files, err := filepath.Glob(filepath.Join(d.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range licensecheck.Scan(text).Match {
				found = append(found, m.ID)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	for _, id := range found {
		if !slices.Contains(allowed, id) {
			t.Errorf("%s %s has the licence %s, which is not allowed: do without the module, or have the list in this test changed", d.path, d.version, id)
		}
	}
	if len(found) == 0 {
		t.Errorf("%s %s: no licence that is known; look into %s", d.path, d.version, d.dir)
	}
	return strings.Join(found, ", ")
}

func licences(deps []dependency) string {
	var b strings.Builder
	b.WriteString("# Licences\n\npushworker is under the Apache License 2.0, see [LICENSE](../LICENSE). These modules are\n" +
		"part of its binary for Linux; their licences are in their sources, `go mod download` and\n" +
		"look there. `make licences` writes this list, `make sbom` a machine-readable one.\n\n" +
		"| module | version | licence |\n|---|---|---|\n")
	for _, d := range deps {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", d.path, d.version, d.licence)
	}
	return b.String()
}
