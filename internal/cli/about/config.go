// Package about has the commands that say what the program is: config, schema,
// version, completion. They ask no broker and no worker.
package about

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// NewConfig returns the command config.
func NewConfig(shared *app.App) *cobra.Command {
	a := command{shared}
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, show and explain the configuration",
		Example: `  pushworker config check
  pushworker config print
  pushworker config docs > configuration.md`,
		Args: app.UnknownCommand,
		RunE: app.ShowHelp,
	}
	cmd.AddCommand(newConfigCheckCommand(a), newConfigPrintCommand(a), newConfigDocsCommand(a))
	return cmd
}

func newConfigCheckCommand(a command) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Check the configuration and report every fault",
		Example: `  PUSHWORKER_RETRY_CAP=10 pushworker config check`,
		Args:    app.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.WholeConfig()
			if err := errors.Join(err, a.CheckHandlers(c, err)); err != nil {
				return err
			}
			a.WarnHandlers(c)
			_, err = fmt.Fprintln(a.Stdout, "configuration is usable")
			return err
		},
	}
}

func newConfigPrintCommand(a command) *cobra.Command {
	var out terminal.Format
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Show every setting and where it comes from, secrets masked",
		Example: `  pushworker config print
  pushworker config print -o json`,
		Args: app.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.WholeConfig()
			if err != nil {
				return err
			}
			p := a.List(out, "VARIABLE", "SOURCE", "VALUE")
			for _, s := range c.Effective() {
				source := string(s.Source)
				if s.Path != "" {
					source += " " + s.Path
				}
				p.Add(s, s.Name, source, s.Value)
			}
			return p.Close()
		},
	}
	terminal.AddFormat(cmd, &out)
	return cmd
}

func newConfigDocsCommand(a command) *cobra.Command {
	return &cobra.Command{
		Use:     "docs",
		Short:   "Write the table of all environment variables as Markdown",
		Example: `  pushworker config docs > configuration.md`,
		Args:    app.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return config.WriteDocs(a.Stdout) },
	}
}
