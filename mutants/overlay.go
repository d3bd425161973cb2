package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one way to break the program.
type mutant struct {
	// name says what is broken, in the words of an operator.
	name string
	// file holds old exactly once; now stands there instead.
	file, old, now string
	// pkg and test are the package and the test that must fail.
	pkg, test string
	// root is the repository's root.
	root string
}

// patched returns the broken file's text.
func (m mutant) patched() (string, error) {
	text, err := os.ReadFile(filepath.Join(m.root, m.file))
	if err != nil {
		return "", fmt.Errorf("read the file to break: %w", err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s holds %q %d times, want once: follow the change in mutants/list.go", m.file, m.old, n)
	}
	return strings.Replace(string(text), m.old, m.now, 1), nil
}

// overlay writes the broken file and the go command's overlay file, which remove
// removes.
func (m mutant) overlay() (file string, remove func(), err error) {
	text, err := m.patched()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for the broken file: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) } // it is in the folder for such
	original, err := filepath.Abs(filepath.Join(m.root, m.file))
	broken, file := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
	if err == nil {
		err = os.WriteFile(broken, []byte(text), 0o600)
	}
	var list []byte
	if err == nil {
		list, err = json.Marshal(map[string]map[string]string{"Replace": {original: broken}})
	}
	if err == nil {
		err = os.WriteFile(file, list, 0o600)
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("write the broken file: %w", err)
	}
	return file, remove, nil
}
