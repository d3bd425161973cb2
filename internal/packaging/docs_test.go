package packaging_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNamedMakeTargetsExist(t *testing.T) {
	t.Parallel()
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets = append(targets, m[1])
	}
	call := regexp.MustCompile("(?m)(?:`|run: |step |^\\s*|&& )make ([a-z-]+)")
	for _, name := range []string{".ci/run", ".github/workflows/ci.yml", ".github/workflows/release.yml", "CONTRIBUTING.md", "README.md"} {
		calls := call.FindAllStringSubmatch(read(t, name), -1)
		if len(calls) == 0 {
			t.Errorf("%s names no make target", name)
		}
		for _, m := range calls {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s: make %s does not exist", name, m[1])
			}
		}
	}
}

func TestCIRunsWhatTheReadmeNames(t *testing.T) {
	t.Parallel()
	script := read(t, ".ci/run")
	for _, line := range []string{"step make test\n", "step make lint\n"} {
		if !strings.Contains(script, line) {
			t.Errorf(".ci/run lacks %q", line)
		}
	}
}

// TestToolsAreRun: what is a module of its own below tools is linted with the others, and both
// CIs run its test, which make test does not.
func TestToolsAreRun(t *testing.T) {
	t.Parallel()
	modules, err := fs.Glob(os.DirFS(root), "tools/*/go.mod")
	if err != nil || len(modules) < 4 {
		t.Fatalf("%q, %v; the test looks for the wrong thing", modules, err)
	}
	listed := strings.Fields(capture(t, `(?m)^TOOLS := (.+)$`, read(t, "Makefile")))
	for _, module := range modules {
		dir := filepath.Dir(module)
		if !slices.Contains(listed, dir) {
			t.Errorf("Makefile: TOOLS lacks %s", dir)
		}
		for _, name := range []string{".ci/run", ".github/workflows/ci.yml"} {
			if call := "make " + filepath.Base(dir) + "-test\n"; !strings.Contains(read(t, name), call) {
				t.Errorf("%s lacks %q", name, call)
			}
		}
	}
}

func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	uses := regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(read(t, ".github/workflows/ci.yml")+read(t, ".github/workflows/release.yml"), -1)
	if len(uses) == 0 {
		t.Fatal("the workflow uses no action; the test looks for the wrong thing")
	}
	pinned := regexp.MustCompile(`@[0-9a-f]{40}$`)
	for _, m := range uses {
		if !pinned.MatchString(m[1]) {
			t.Errorf("%s can be moved: pin the digest of a commit", m[1])
		}
	}
}

// documents returns the Markdown files at the root and below docs.
func documents(t *testing.T) []string {
	t.Helper()
	tree := os.DirFS(root)
	names, err := fs.Glob(tree, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(tree, "docs", func(name string, _ fs.DirEntry, err error) error {
		if filepath.Ext(name) == ".md" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
