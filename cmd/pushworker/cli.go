package main

import (
	"context"
	"io"

	"github.com/pushworker/pushworker/pkg/push"
)

// program is what the binary brings along.
type program struct {
	// version is what the linker has set; empty if nothing.
	version string
	// plugins registers the built-in handlers, which print to out.
	plugins func(r *push.Registry, d push.Directory, out io.Writer)
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, p program, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{
		env: env, stdin: newInterruptible(ctx, stdin), stdout: stdout, stderr: stderr, overrides: make(map[string]string),
		build: buildInfo(p.version), plugins: p.plugins,
	}
	root := newRootCommand(a) //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	err = heard(err)
	if err != nil && !a.started {
		err = usageError(err) // nothing but the command line has been looked at
	}
	switch {
	case err == nil:
	case a.recording(cmd):
		log := a.recorder()
		log.Error().Err(err).Int("exit_code", exitCode(err)).Msg("the worker ends")
	case told(exitUsage)(err):
		a.say("%s\nSee `%s --help`.", err, cmd.CommandPath())
	default:
		a.say("%s", err)
	}
	return exitCode(err)
}
