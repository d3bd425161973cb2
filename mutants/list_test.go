package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of mutants in docs/reliability.md")

// TestMutantsApply keeps the list true to the code between the runs of
// `make mutants`, which take minutes.
func TestMutantsApply(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, m := range list() {
		m.root = ".."
		if _, err := m.patched(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if m.old == m.now || m.pkg == "" || m.test == "" || names[m.name] {
			t.Errorf("%s: the entry is not whole, or not the only one of its name", m.name)
		}
		names[m.name] = true
	}
	if len(names) < 20 {
		t.Errorf("%d mutants; the list has shrunk", len(names))
	}
}

// TestMutantsAreInThePage holds the page's table against the list.
func TestMutantsAreInThePage(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- mutants:begin -->\n", "<!-- mutants:end -->\n"
	file := filepath.Join("..", "docs", "reliability.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks %q or %q", file, begin, end)
	}
	var want strings.Builder
	want.WriteString("| broken on purpose | in | noticed by |\n|---|---|---|\n")
	for _, m := range list() {
		fmt.Fprintf(&want, "| %s | `%s` | `%s.%s` |\n", m.name, m.file, strings.TrimPrefix(m.pkg, "./"), m.test)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), have); diff != "" {
		t.Errorf("%s: run go test -C mutants . -update (-want +have):\n%s", file, diff)
	}
}
