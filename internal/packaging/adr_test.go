package packaging_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDecisionsAreNumberedOnce: the code names a decision by its number.
func TestDecisionsAreNumberedOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "docs", "adr", "*.md"))
	if err != nil || len(files) < 25 {
		t.Fatalf("%d decisions, %v", len(files), err)
	}
	seen := make(map[string]string)
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "-")
		if other := seen[number]; other != "" {
			t.Errorf("%s and %s have one number", other, file)
		}
		seen[number] = file
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# "+number+" ") {
			t.Errorf("%s does not begin with its number", file)
		}
	}
}
