package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout stays below the 5 s that the image's health check allows.
const healthTimeout = 3 * time.Second

func newHealthcheckCommand(a *app) *cobra.Command {
	var ready bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running worker whether it is well, for containers",
		Long: `Asks the worker at PUSHWORKER_ADMIN_ADDR whether it is alive; exits with 0 or 1.
A worker that waits for its broker is alive, but not ready.`,
		Example: `  pushworker healthcheck
  pushworker healthcheck --ready`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			route := "/livez"
			if ready {
				route = "/readyz"
			}
			return a.healthcheck(cmd.Context(), route)
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it does its work now")
	return cmd
}

func (a *app) healthcheck(ctx context.Context, route string) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	text, err := workerClient(c).Read(ctx, route)
	if err != nil {
		return fmt.Errorf("worker is not well: %w", err)
	}
	_, err = io.WriteString(a.stdout, printable(text))
	return err
}
