// Package app is what every command has: the configuration, the connection to the
// broker, standard input and output, flags that several commands take, and the exit
// codes. It refuses to know any command.
package app

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/pkg/push"
)

// App is the process as the commands see it.
type App struct {
	// Env has the form of os.Environ.
	Env            []string
	Stdin          *terminal.Input
	Stdout, Stderr io.Writer
	// Overrides holds the flags that win over the environment, as variable name
	// and value.
	Overrides map[string]string
	// Build says which binary it is, and Plugins registers the built-in handlers.
	Build   Build
	Plugins func(r *push.Registry, d push.Directory, out io.Writer)
	// Started says that the command line was in order.
	Started bool
}

// Config loads the configuration for a command that runs no worker and no handler. What
// is wrong with settings of the worker alone it tells as a warning, as it does warnings,
// which may explain faults. The error is a *config.InvalidError.
func (a *App) Config() (*config.Config, error) {
	c, err := a.WholeConfig()
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if !ok || invalid.ForCommand() == nil {
		return c, err
	}
	for _, fault := range invalid.Faults {
		a.Say("warning: %s (only a worker uses it)", fault)
	}
	return invalid.ForCommand(), nil
}

// WholeConfig is Config for those who need all of it.
func (a *App) WholeConfig() (*config.Config, error) {
	return a.Load(func(w config.Fault) { a.Say("warning: %s", w) })
}

// Load is Config with another way to tell warnings.
func (a *App) Load(warn func(config.Fault)) (*config.Config, error) {
	c, err := config.Load(a.Env, a.Overrides)
	var warnings []config.Fault
	if invalid, ok := errors.AsType[*config.InvalidError](err); ok {
		warnings = invalid.Warnings
	} else if err == nil {
		warnings = c.Warnings()
	}
	for _, w := range warnings {
		warn(w)
	}
	return c, err
}

// Say tells the human something on stderr.
func (a *App) Say(format string, args ...any) {
	_, _ = io.WriteString(a.Stderr, "pushworker: "+terminal.Printable(fmt.Sprintf(format, args...))+"\n")
}

// Override adds a flag that wins over the variable.
func (a *App) Override(flags *pflag.FlagSet, name, value, variable, usage string) {
	flags.Var(overrideValue{a.Overrides, variable, value}, name, usage+" ("+variable+")")
}

// AddCreateFlag adds the flag that lets a bucket of devices be made that looks lost.
func (a *App) AddCreateFlag(flags *pflag.FlagSet) {
	const variable = "PUSHWORKER_DEVICES_CREATE"
	flags.BoolFunc("create", "create the device bucket again if it was lost", func(string) error {
		a.Overrides[variable] = "true"
		return nil
	})
}

// overrideValue is the pflag.Value of a flag that stands for a variable.
type overrideValue struct {
	overrides      map[string]string
	variable, kind string
}

// Set implements pflag.Value.
func (v overrideValue) Set(s string) error {
	v.overrides[v.variable] = s
	return nil
}

// String implements pflag.Value.
func (v overrideValue) String() string { return v.overrides[v.variable] }

// Type implements pflag.Value.
func (v overrideValue) Type() string { return v.kind }

// List starts a list on standard output.
func (a *App) List(f terminal.Format, header ...string) *terminal.List {
	return terminal.NewList(a.Stdout, terminal.Width(a.Stdout), f, header...)
}

// Open opens an input, which holds things, and gives it the name that faults say. - is
// standard input.
func (a *App) Open(name, things string) (io.ReadCloser, string, error) {
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the user names the file
		return f, name, err
	}
	if terminal.IsTerminal(a.Stdin.Reader) {
		a.Say("type %s, one per line; Ctrl-D ends", things)
	}
	return io.NopCloser(a.Stdin), "stdin", nil
}
