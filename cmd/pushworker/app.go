package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/pkg/push"
)

// app is the process as the commands see it.
type app struct {
	// env has the form of os.Environ.
	env            []string
	stdin          *interruptible
	stdout, stderr io.Writer
	// overrides holds the flags that win over the environment, as variable name
	// and value.
	overrides map[string]string
	// build says which binary it is, and plugins registers the built-in handlers.
	build   build
	plugins func(r *push.Registry, d push.Directory, out io.Writer)
	// started says that the command line was in order.
	started bool
}

// config loads the configuration for a command that runs no worker and no handler. What
// is wrong with settings of the worker alone it tells as a warning, as it does warnings,
// which may explain faults. The error is a *config.InvalidError.
func (a *app) config() (*config.Config, error) {
	c, err := a.wholeConfig()
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if !ok || invalid.ForCommand() == nil {
		return c, err
	}
	for _, fault := range invalid.Faults {
		a.say("warning: %s (only a worker uses it)", fault)
	}
	return invalid.ForCommand(), nil
}

// wholeConfig is config for those who need all of it.
func (a *app) wholeConfig() (*config.Config, error) {
	return a.load(func(w config.Fault) { a.say("warning: %s", w) })
}

// load is config with another way to tell warnings.
func (a *app) load(warn func(config.Fault)) (*config.Config, error) {
	c, err := config.Load(a.env, a.overrides)
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

// say tells the human something on stderr.
func (a *app) say(format string, args ...any) {
	_, _ = io.WriteString(a.stderr, "pushworker: "+printable(fmt.Sprintf(format, args...))+"\n")
}

// override adds a flag that wins over the variable.
func (a *app) override(flags *pflag.FlagSet, name, value, variable, usage string) {
	flags.Var(overrideValue{a.overrides, variable, value}, name, usage+" ("+variable+")")
}

// addCreateFlag adds the flag that lets a bucket of devices be made that looks lost.
func (a *app) addCreateFlag(flags *pflag.FlagSet) {
	const variable = "PUSHWORKER_DEVICES_CREATE"
	flags.BoolFunc("create", "make a lost bucket of devices again", func(string) error {
		a.overrides[variable] = "true"
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

// list starts a list on standard output.
func (a *app) list(f format, header ...string) *printer {
	return newPrinter(a.stdout, width(a.stdout), f, header...)
}

// open opens an input, which holds things, and gives it the name that faults say. - is
// standard input.
func (a *app) open(name, things string) (io.ReadCloser, string, error) {
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the user names the file
		return f, name, err
	}
	if isTerminal(a.stdin.Reader) {
		a.say("type %s, one per line; Ctrl-D ends", things)
	}
	return io.NopCloser(a.stdin), "stdin", nil
}
