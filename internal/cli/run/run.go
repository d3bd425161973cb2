// Package run has the commands that run a worker: run and demo. How a worker works is
// in internal/worker.
package run

import (
	"errors"
	"fmt"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/push"
)

// command is the app, as the commands of this package see it.
type command struct{ *app.App }

// New returns the command run.
func New(shared *app.App) *cobra.Command {
	a := command{shared}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the worker",
		Long: `Runs the worker: pulls receipts and hands each to the handlers.

Without PUSHWORKER_NATS_URL it starts an embedded broker, which listens on
PUSHWORKER_EMBEDDED_ADDR for chat servers and the nats CLI. On the first SIGINT
or SIGTERM it hands back the receipts that have not started, and finishes the
others within PUSHWORKER_SHUTDOWN_GRACE. On the second it ends at once.`,
		Example: `  pushworker run
  PUSHWORKER_NATS_URL=nats://broker:4222 pushworker run
  pushworker run --data-dir /var/lib/pushworker`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runWorker(cmd)
		},
	}
	a.Override(cmd.Flags(), "data-dir", "DIR", "PUSHWORKER_DATA_DIR", "store of the embedded broker")
	a.AddCreateFlag(cmd.Flags())
	return cmd
}

// setLevel sets from which level on the process logs. Loggers have been handed out by
// value when an operator changes it, so it is that of the library.
func setLevel(text string) error {
	level, err := zerolog.ParseLevel(text)
	if err != nil || level < zerolog.TraceLevel || level > zerolog.ErrorLevel {
		return fmt.Errorf("%q is no level: use trace, debug, info, warn or error", text)
	}
	zerolog.SetGlobalLevel(level)
	return nil
}

func (a command) runWorker(cmd *cobra.Command) error {
	recording := a.Recording(cmd)
	c, err := a.Load(func(w config.Fault) {
		if log := a.Recorder(); recording {
			log.Warn().Str("variable", w.Variable).Msg(w.String())
			return
		}
		a.Say("warning: %s", w)
	})
	if err != nil {
		return errors.Join(err, a.CheckHandlers(c, err))
	}
	b := a.Build
	w := worker.Worker{
		Config:  c,
		Plugins: func(r *push.Registry, d push.Directory) { a.Plugins(r, d, a.Stdout) },
		Version: b.Version, Revision: b.Commit,
		Log: a.Logger(config.Log{Level: "trace", Format: c.Log.Format}), SetLevel: setLevel,
	}
	if err := setLevel(c.Log.Level); err != nil {
		return err
	}
	if !recording {
		w.Banner = a.Stderr
	}
	err = w.Run(cmd.Context())
	switch {
	case err != nil:
	case recording:
		w.Log.Info().Msg("stopped; nothing was left unfinished")
	default:
		a.Say("stopped; nothing was left unfinished")
	}
	return err
}
