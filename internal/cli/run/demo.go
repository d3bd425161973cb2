package run

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/demo"
	"github.com/pushworker/pushworker/internal/worker"
)

// demoTime is far more than the demo takes; it ends by itself in any case.
const demoTime = 30 * time.Second

// NewDemo returns the command demo.
func NewDemo(shared *app.App) *cobra.Command {
	a := command{shared}
	return &cobra.Command{
		Use:   "demo",
		Short: "Show an ack, a redelivery and a dead letter",
		Long: `Delivers three receipts: one is acknowledged, one is redelivered after
a failure, one ends as a dead letter. It uses a broker of its own in a temporary
directory, which it removes, and ends by itself.`,
		Example: "  pushworker demo",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context()) },
	}
}

// demo runs a whole worker and plays three receipts through it.
func (a command) demo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	dir, err := os.MkdirTemp("", "pushworker-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	c, err := demoConfig(ctx, dir)
	if err != nil {
		return err
	}
	show := demo.New(a.Stdout)
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- worker.Worker{
			Config: c, Plugins: show.Register, Version: a.Build.Version,
			Banner: show, Log: zerolog.New(a.Stderr).Level(zerolog.ErrorLevel),
		}.Run(running)
	}()
	select {
	case <-show.Running:
	case err := <-ended:
		return err
	}
	if err := a.play(ctx, c, show); err != nil {
		return err
	}
	stop()
	return <-ended
}

// play connects to the demo's broker and plays the three receipts.
func (a command) play(ctx context.Context, c *config.Config, show *demo.Demo) error {
	conn, err := a.Connect(ctx, c, "demo")
	if err != nil {
		return err
	}
	defer conn.Close()
	return show.Play(ctx, conn, worker.Topology(c, []string{demo.Handler}), c.Subject)
}

// demoConfig is a worker on free ports with a handler named demo.
func demoConfig(ctx context.Context, dir string) (*config.Config, error) {
	addrs := make([]string, 2)
	for i := range addrs {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		addrs[i] = l.Addr().String()
		_ = l.Close()
	}
	return config.Load([]string{
		"PUSHWORKER_DATA_DIR=" + dir,
		"PUSHWORKER_EMBEDDED_ADDR=" + addrs[0],
		"PUSHWORKER_ADMIN_ADDR=" + addrs[1],
		"PUSHWORKER_RETRY_BASE=1s",
		`PUSHWORKER_HANDLERS=[{"name":"` + demo.Handler + `"}]`,
	}, nil)
}
