package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/pushworker/pushworker/config"
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
	// started says that the command line was in order.
	started bool
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{env: env, stdin: newInterruptible(ctx, stdin), stdout: stdout, stderr: stderr, overrides: make(map[string]string)}
	root := newRootCommand(a) //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	err = heard(err)
	if err != nil && !a.started {
		err = usageError{err} // nothing but the command line has been looked at
	}
	switch {
	case err == nil:
	case a.recording(cmd):
		log := a.recorder()
		log.Error().Err(err).Int("exit_code", exitCode(err)).Msg("the worker ends")
	case is[usageError](err):
		a.say("%s\nSee `%s --help`.", err, cmd.CommandPath())
	default:
		a.say("%s", err)
	}
	return exitCode(err)
}

// heard is err without that nobody reads stdout any more, as in
// `pushworker … | head`: who has seen enough has seen no failure.
func heard(err error) error {
	switch e := err.(type) { //nolint:errorlint // each link of the chain is looked at
	case *fs.PathError:
		if e.Path == os.Stdout.Name() && errors.Is(e.Err, syscall.EPIPE) {
			return nil
		}
	case interface{ Unwrap() []error }:
		parts := e.Unwrap()
		kept := slices.DeleteFunc(slices.Clone(parts), func(part error) bool { return heard(part) == nil })
		if len(kept) < len(parts) {
			return errors.Join(kept...)
		}
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil && heard(inner) == nil {
			return nil
		}
	}
	return err
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
