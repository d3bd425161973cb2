// Package cli is the command line: it puts the commands together, carries out one of
// them, and turns what went wrong into text on stderr and an exit code. It refuses to
// know how anything is done: the commands are in a package per family below it, with
// what they share in app and terminal, and what they have done is in the rooms beside it.
package cli

import (
	"context"
	"io"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/pkg/push"
)

// Program is what the binary brings along.
type Program struct {
	// version is what the linker has set; empty if nothing.
	Version string
	// plugins registers the built-in handlers, which print to out.
	Plugins func(r *push.Registry, d push.Directory, out io.Writer)
}

// Run carries out one command line and returns the exit code.
func Run(ctx context.Context, p Program, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app.App{
		Env: env, Stdin: terminal.NewInput(ctx, stdin), Stdout: stdout, Stderr: stderr, Overrides: make(map[string]string),
		Build: app.BuildInfo(p.Version), Plugins: p.Plugins,
	}
	root := newRootCommand(a) //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	err = app.Heard(err)
	if err != nil && !a.Started {
		err = app.Usage(err) // nothing but the command line has been looked at
	}
	switch {
	case err == nil:
	case a.Recording(cmd):
		log := a.Recorder()
		log.Error().Err(err).Int("exit_code", app.ExitCode(err)).Msg("the worker ends")
	case app.Told(app.ExitUsage)(err):
		a.Say("%s\nSee `%s --help`.", err, cmd.CommandPath())
	default:
		a.Say("%s", err)
	}
	return app.ExitCode(err)
}
