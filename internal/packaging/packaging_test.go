package packaging_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// root is the repository's root, seen from this package.
const root = "../.."

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// capture returns the first group of pattern's only match in text.
func capture(t *testing.T, pattern, text string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("%s matches %d times, want once", pattern, len(found))
	}
	return found[0][1]
}

// goVersion returns the Go version that go.mod asks for.
func goVersion(t *testing.T) string {
	t.Helper()
	return capture(t, `(?m)^go (\S+)$`, read(t, "go.mod"))
}

// required returns the version at which go.mod requires a module.
func required(t *testing.T, module string) string {
	t.Helper()
	return capture(t, `(?m)^(?:require)?\s+`+regexp.QuoteMeta(module)+` v(\S+)`, read(t, "go.mod"))
}
