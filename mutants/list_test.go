package main

import "testing"

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
