package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
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
			if err := errors.Join(err, checkHandlers(c, err)); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, "configuration is usable")
			return err
		},
	}
}

// checkHandlers finds what is wrong with the handlers' own configuration, which c
// has, or the error in its place, as far as the error does not tell it.
func checkHandlers(c *config.Config, err error) error {
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if ok {
		c = &config.Config{Handlers: invalid.Handlers}
	}
	if c == nil || len(c.Handlers) == 0 {
		return nil
	}
	plugins := func(r *push.Registry, d push.Directory) { register(r, d, io.Discard) }
	err = worker.Worker{Config: c, Plugins: plugins}.Check()
	if !ok || err == nil {
		return err
	}
	return withoutTold(err, invalid.Faults)
}

// withoutTold is err without those of its lines that are among the faults. Each handler
// reads the keys that all have in common, which the configuration does, too.
func withoutTold(err error, faults []config.Fault) error {
	lines := strings.Split(err.Error(), "\n")
	left := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		_, text, whose := strings.Cut(line, `": `) // after the handler's name
		return strings.Contains(line, ": none is enabled") || whose && slices.ContainsFunc(faults, func(f config.Fault) bool {
			return strings.HasSuffix(f.Problem, ": "+text)
		})
	})
	switch len(left) {
	case len(lines):
		return err
	case 0:
		return nil
	}
	return fmt.Errorf("%w: %s", worker.ErrHandlers, strings.TrimPrefix(strings.Join(left, "\n"), worker.ErrHandlers.Error()+": "))
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
