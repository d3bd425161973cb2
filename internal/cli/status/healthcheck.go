package status

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/internal/worker"
)

// NewHealthcheck returns the command healthcheck.
func NewHealthcheck(shared *app.App) *cobra.Command {
	a := command{shared}
	var ready bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Check that a running worker is alive, for containers",
		Long: `Asks the worker at PUSHWORKER_ADMIN_ADDR whether it is alive; exits with 0 or 1.
A worker that waits for its broker is alive, but not ready.`,
		Example: `  pushworker healthcheck
  pushworker healthcheck --ready`,
		Args: app.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			route := "/livez"
			if ready {
				route = "/readyz"
			}
			return a.healthcheck(cmd.Context(), route)
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "check that the worker can deliver now")
	return cmd
}

func (a command) healthcheck(ctx context.Context, route string) error {
	c, err := a.Config()
	if err != nil {
		return err
	}
	text, err := worker.AskHealth(ctx, c, route)
	if err != nil {
		return fmt.Errorf("worker is not healthy: %w", err)
	}
	_, err = io.WriteString(a.Stdout, terminal.Printable(text))
	return err
}
