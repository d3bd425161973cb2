package cli

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/pushworker/pushworker/internal/cli/app"
)

var manDir = flag.String("man", "", "write the manual pages to this `DIR`, as make man does")

// TestManPages writes the manual pages, from the same source as --help, and checks
// that every command has a whole one. They are written by a test because the
// binary has no use for a renderer.
func TestManPages(t *testing.T) {
	t.Parallel()
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root := newRootCommand(&app.App{Overrides: map[string]string{}})
	root.SetContext(context.WithoutCancel(t.Context()))
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Source: "pushworker", Manual: "pushworker"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	seen := 0
	walkCommands(root, func(cmd *cobra.Command) {
		seen++
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		for _, part := range []string{".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLE"} {
			if !strings.Contains(string(page), part) && (part != ".SH EXAMPLE" || cmd.HasExample()) {
				t.Errorf("%s.1 has no %s", name, part)
			}
		}
		if cmd.HasExample() && !strings.Contains(string(page), "pushworker") {
			t.Errorf("%s.1 has lost its example", name)
		}
	})
	if pages, err := os.ReadDir(dir); err != nil || len(pages) < seen || seen < 20 {
		t.Errorf("%d pages for %d commands, %v", len(pages), seen, err)
	}
}

// walkCommands calls f for every command that --help lists.
func walkCommands(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			walkCommands(sub, f)
		}
	}
}
