package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help prints the help of a command: what it does, examples, and then the rest.
func help(cmd *cobra.Command, _ []string) {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	b.WriteString(about + "\n")
	if cmd.HasExample() {
		b.WriteString("\nExamples:\n" + cmd.Example + "\n")
	}
	if !cmd.HasAvailableSubCommands() {
		b.WriteString("\nUsage:\n  " + cmd.UseLine() + "\n")
	} else {
		b.WriteString("\nCommands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-12s %s\n", sub.Name(), sub.Short)
			}
		}
	}
	writeFlags(&b, cmd)
	_, _ = io.WriteString(cmd.OutOrStdout(), b.String())
}

// writeFlags lists the flags, those of cmd before those of every command. --help
// goes without saying.
func writeFlags(b *strings.Builder, cmd *cobra.Command) {
	b.WriteString("\nFlags:\n")
	line := func(f *pflag.Flag) {
		if f.Name == "help" || f.Name == "version" || f.Hidden {
			return
		}
		short := "    "
		if f.Shorthand != "" {
			short = "-" + f.Shorthand + ", "
		}
		kind, usage := pflag.UnquoteUsage(f)
		if f.Value.Type() == "bool" {
			kind = ""
		}
		fmt.Fprintf(b, "  %s--%-17s %s\n", short, strings.TrimSpace(f.Name+" "+kind), usage)
	}
	cmd.LocalFlags().VisitAll(line)
	cmd.InheritedFlags().VisitAll(line)
}
