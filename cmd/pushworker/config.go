package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
)

func newConfigCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, show and explain the configuration",
		Example: `  pushworker config check
  pushworker config print
  pushworker config docs > configuration.md`,
		Args: unknownCommand,
		RunE: showHelp,
	}
	cmd.AddCommand(newConfigCheckCommand(a), newConfigPrintCommand(a), newConfigDocsCommand(a))
	return cmd
}

func newConfigCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Check the configuration and tell every fault at once",
		Example: `  PUSHWORKER_RETRY_CAP=10 pushworker config check`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.wholeConfig()
			if err := errors.Join(err, a.checkHandlers(c, err)); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, "configuration is usable")
			return err
		},
	}
}

func newConfigPrintCommand(a *app) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Show every setting and where it comes from, secrets masked",
		Example: `  pushworker config print
  pushworker config print -o json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.wholeConfig()
			if err != nil {
				return err
			}
			p := a.list(out, "VARIABLE", "SOURCE", "VALUE")
			for _, s := range c.Effective() {
				source := string(s.Source)
				if s.Path != "" {
					source += " " + s.Path
				}
				p.add(s, s.Name, source, s.Value)
			}
			return p.close()
		},
	}
	addFormatFlag(cmd, &out)
	return cmd
}

func newConfigDocsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "docs",
		Short:   "Write the table of all environment variables as Markdown",
		Example: `  pushworker config docs > configuration.md`,
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return config.WriteDocs(a.stdout) },
	}
}
