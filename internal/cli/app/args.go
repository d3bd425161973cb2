package app

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// ShowHelp is what a command does that only has subcommands.
func ShowHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// UnknownCommand refuses the arguments of a command that only has subcommands.
func UnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // in edits; cobra's own default is none
	near := cmd.SuggestionsFor(args[0])
	if args[0] == "" || len(near) == 0 {
		return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	}
	return fmt.Errorf("unknown command %q for %q, did you mean %s?", args[0], cmd.CommandPath(), strings.Join(near, " or "))
}

// NoArgs refuses all arguments.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// OneFile wants one file with things of a kind as the only argument.
func OneFile(things string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%q wants one FILE with %s, or - for standard input, got %d", cmd.CommandPath(), things, len(args))
		}
		return nil
	}
}
