package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
)

// TestHelpFitsTheScreen: no line of any help is wider than a terminal, and what is
// said before the flags fits above them.
func TestHelpFitsTheScreen(t *testing.T) {
	t.Parallel()
	const columns, rows = 80, 24
	seen := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		var out bytes.Buffer
		cmd.SetOut(&out)
		help(cmd, nil)
		seen++
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%s --help has a line of %d columns: %s", cmd.CommandPath(), n, line)
			}
		}
		before, _, _ := strings.Cut(out.String(), "\nFlags:\n")
		if n := strings.Count(before, "\n"); n >= rows && !cmd.HasSubCommands() {
			t.Errorf("%s --help says %d lines before the flags", cmd.CommandPath(), n)
		}
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	look(newRootCommand(&app.App{Overrides: make(map[string]string)}))
	if seen < 25 {
		t.Errorf("looked at %d commands only", seen)
	}
}
