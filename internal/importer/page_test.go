package importer_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

// TestProgramsOfThePage runs the Go programs of docs/publishing.md as they stand there, each in a
// chat server's module of its own.
func TestProgramsOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "publishing.md"))
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(programs) != 2 {
		t.Fatalf("%d programs in the page, want 2", len(programs))
	}
	b := brokertest.Start(t)
	s := stream(t, dial(t, b.URL()), nil)
	for i, program := range programs {
		const address = "nats://127.0.0.1:4222"
		if strings.Count(program[1], address) != 1 {
			t.Fatalf("program %d does not connect to %s", i+1, address)
		}
		dir := chatServer(t)
		text := strings.Replace(program[1], address, b.URL(), 1)
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		command(t, dir, "local", "vet", "-mod=mod", ".")
		command(t, dir, "local", "run", ".")
		waitFor(t, "its receipt", func() bool { return count(t, s) == i+1 })
	}
}
