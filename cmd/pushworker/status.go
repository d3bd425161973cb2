package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/worker"
)

const (
	// askTimeout bounds a question to the broker, workerTimeout one to the worker,
	// which may not run.
	askTimeout    = 5 * time.Second
	workerTimeout = time.Second
	// watchEvery is the pause between two looks of --watch.
	watchEvery = 2 * time.Second
)

func newStatusCommand(a *app) *cobra.Command {
	var out format
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what waits, what is in flight, and what is stored",
		Long: `Shows the lanes and streams. The broker knows what all workers do; DROPPED and
whether a provider is down come from the one worker at PUSHWORKER_ADMIN_ADDR,
"-" if none answers there. With -o json and -o jsonl each look is one line, also
with --watch. The exit code is 69 if a lane or a stream could not be read.`,
		Example: `  pushworker status
  pushworker status --watch
  pushworker status -o json | jq '.lanes[].pending'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			every := time.Duration(0)
			if watch {
				every = watchEvery
			}
			return a.status(cmd.Context(), out, every)
		},
	}
	addFormatFlag(cmd, &out)
	cmd.Flags().BoolVar(&watch, "watch", false, "look again every 2 seconds, and show rates")
	return cmd
}

// status shows the status once, or at every interval until ctx ends.
func (a *app) status(ctx context.Context, out format, every time.Duration) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	conn, err := a.connect(ctx, c, "status")
	if err != nil {
		return err
	}
	defer conn.Close()
	if every > 0 {
		return a.watch(ctx, c, conn, out, every)
	}
	return a.lookOnce(ctx, c, conn, out)
}

// pause waits and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// look asks the worker, if there is one, and the broker, without which there is
// nothing to show. The first error says that no worker answers.
func look(ctx context.Context, c *config.Config, conn *broker.Conn) (status admin.Status, workerErr, err error) {
	remote, workerErr := askWorker(ctx, c)
	status = askBroker(ctx, c, conn, remote)
	if len(status.Streams) == 0 && status.Problems != nil {
		err = unavailableError(errors.New(strings.Join(status.Problems, "\n")))
	}
	return status, workerErr, err
}

func (a *app) lookOnce(ctx context.Context, c *config.Config, conn *broker.Conn, out format) error {
	status, workerErr, err := look(ctx, c, conn)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if out == formatTable {
		b.WriteString(strings.Join(statusLines(watched{Status: status}, false, width(a.stdout), a.colour(a.stdout)), "\n") + "\n")
	} else if err := json.NewEncoder(&b).Encode(status); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if workerErr != nil {
		a.say("no worker answers at PUSHWORKER_ADMIN_ADDR, so dropped receipts and providers that are down are not known: %s", workerErr)
	}
	for _, l := range status.Lanes {
		for _, trouble := range troubles(l) {
			a.say("lane %s: %s", l.Handler, trouble)
		}
	}
	if len(status.Problems) > 0 {
		return unavailableError(errors.New("the status is not complete: " + strings.Join(status.Problems, "\n")))
	}
	return nil
}

// askBroker asks about the lanes that the worker runs, and those that the configuration
// names. Where there is neither, they are those that the broker has.
func askBroker(ctx context.Context, c *config.Config, conn *broker.Conn, remote admin.Status) admin.Status {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	sample := admin.TakeSample(ctx, broker.NewReader(conn), worker.Topology(c, lanesInQuestion(ctx, c, conn, remote)))
	status := admin.NewStatus(sample, remote.Process, remote.States())
	status.Keep(remote)
	return status
}

func lanesInQuestion(ctx context.Context, c *config.Config, conn *broker.Conn, remote admin.Status) []string {
	names, configured := lanesOf(remote), enabledHandlers(c)
	if !c.IsDefault("PUSHWORKER_HANDLERS") {
		names = append(names, configured...)
	}
	if len(names) > 0 {
		slices.Sort(names)
		return slices.Compact(names)
	}
	lanes, err := broker.OtherLanes(ctx, conn, worker.Topology(c, nil))
	if err != nil || len(lanes) == 0 {
		return configured
	}
	for _, lane := range lanes {
		if !lane.Abandoned || slices.Contains(configured, lane.Handler) { // the others the broker's answer has in any case
			names = append(names, lane.Handler)
		}
	}
	return names
}
