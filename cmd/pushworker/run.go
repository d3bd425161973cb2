package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

func newRunCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the worker",
		Long: `Runs the worker: pulls receipts and hands each to the handlers.

Without PUSHWORKER_NATS_URL it brings its own broker, which listens on
PUSHWORKER_EMBEDDED_ADDR for chat servers and the nats CLI. The first SIGINT or
SIGTERM hands back what has not begun and gives the rest
PUSHWORKER_SHUTDOWN_GRACE; the second ends the process at once.`,
		Example: `  pushworker run
  PUSHWORKER_NATS_URL=nats://broker:4222 pushworker run
  pushworker run --data-dir /var/lib/pushworker`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runWorker(cmd)
		},
	}
	a.override(cmd.Flags(), "data-dir", "DIR", "PUSHWORKER_DATA_DIR", "store of the embedded broker")
	a.addCreateFlag(cmd.Flags())
	return cmd
}

func (a *app) runWorker(cmd *cobra.Command) error {
	recording := a.recording(cmd)
	c, err := a.load(func(w config.Fault) {
		if log := a.recorder(); recording {
			log.Warn().Str("variable", w.Variable).Msg(w.String())
			return
		}
		a.say("warning: %s", w)
	})
	if err != nil {
		return errors.Join(err, a.checkHandlers(c, err))
	}
	b := a.build
	w := worker.Worker{
		Config:  c,
		Plugins: func(r *push.Registry, d push.Directory) { a.plugins(r, d, a.stdout) },
		Version: b.Version, Revision: b.Commit,
		Log: a.logger(c.Log),
	}
	if !recording {
		w.Banner = a.stderr
	}
	err = w.Run(cmd.Context())
	switch {
	case err != nil:
	case recording:
		w.Log.Info().Msg("stopped; nothing was left unfinished")
	default:
		a.say("stopped; nothing was left unfinished")
	}
	return err
}
