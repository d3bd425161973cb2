package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
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
BREAKER come from the one worker at PUSHWORKER_ADMIN_ADDR, "-" if there is none.`,
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
		err = unavailableError{errors.New(strings.Join(status.Problems, "\n"))}
	}
	return status, workerErr, err
}

func (a *app) lookOnce(ctx context.Context, c *config.Config, conn *broker.Conn, out format) error {
	status, workerErr, err := look(ctx, c, conn)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := writeStatus(&b, status, out); err != nil {
		return err
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	for _, problem := range status.Problems {
		a.say("%s", problem)
	}
	if workerErr != nil {
		a.say("no word from a worker, hence nothing on dropped receipts and breakers: %s", workerErr)
	}
	for _, l := range status.Lanes {
		if l.LaneStats != nil && l.Abandoned {
			a.say("lane %s: nobody runs it, and it holds what it has not settled: start a worker with it, or `pushworker lane retire %s`", l.Handler, l.Handler)
		}
		if l.LaneState != nil && l.BreakerError != "" {
			a.say("lane %s: breaker open: %s", l.Handler, l.BreakerError)
		}
		if l.LaneState != nil && l.Waiting != "" {
			a.say("lane %s: waiting: %s", l.Handler, l.Waiting)
		}
	}
	return nil
}

// askWorker asks the worker at the admin address, if there is one.
func askWorker(ctx context.Context, c *config.Config) (admin.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, workerTimeout)
	defer cancel()
	return admin.NewClient(c.AdminURL(), c.Admin.Token.Reveal()).Status(ctx)
}

// askBroker asks about the lanes that are configured here or run by the worker.
func askBroker(ctx context.Context, c *config.Config, conn *broker.Conn, remote admin.Status) admin.Status {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	handlers := enabledHandlers(c)
	for _, lane := range remote.Lanes {
		if !slices.Contains(handlers, lane.Handler) {
			handlers = append(handlers, lane.Handler)
		}
	}
	sample := admin.TakeSample(ctx, conn, worker.Topology(c, handlers))
	return admin.NewStatus(sample, remote.Process, remote.States())
}

func writeStatus(w io.Writer, s admin.Status, out format) error {
	if out == formatJSON {
		if err := json.NewEncoder(w).Encode(s); err != nil {
			return fmt.Errorf("write the status: %w", err)
		}
		return nil
	}
	lanes := newPrinter(w, out, "LANE", "PENDING", "IN FLIGHT", "RETRIES", "DROPPED", "BREAKER", "OLDEST")
	for _, lane := range s.Lanes {
		lanes.add(lane, laneCells(lane)...)
	}
	if err := lanes.close(); err != nil {
		return err
	}
	if out == formatTable {
		_, _ = io.WriteString(w, "\n") // into a buffer
	}
	streams := newPrinter(w, out, "STREAM", "MESSAGES", "BYTES", "LIMIT")
	for _, st := range s.Streams {
		limit := "-"
		if st.MaxBytes > 0 {
			limit = byteText(uint64(st.MaxBytes))
		}
		streams.add(st, cell(st.Stream, 24), strconv.FormatUint(st.Messages, 10), byteText(st.Bytes), limit)
	}
	return streams.close()
}

func laneCells(l admin.Lane) []string {
	cells := []string{cell(l.Handler, 24), "-", "-", "-", "-", "-", "-"}
	if b := l.LaneStats; b != nil {
		cells[1] = strconv.FormatUint(b.Pending, 10)
		cells[2] = strconv.Itoa(b.InFlight)
		cells[3] = strconv.FormatUint(b.RetriesWaiting, 10)
		if !b.OldestPending.IsZero() {
			cells[6] = durationText(time.Duration(b.OldestPendingSeconds * float64(time.Second)))
		}
		switch {
		case b.Abandoned:
			cells[0] += " (abandoned)"
		case b.Paused:
			cells[0] += " (paused)"
		}
	}
	if p := l.LaneState; p != nil {
		cells[4] = strconv.FormatUint(p.Dropped, 10)
		cells[5] = "closed"
		switch {
		case p.BreakerOpen:
			cells[5] = "open"
		case p.Waiting != "":
			cells[0] += " (waiting)"
		}
	}
	return cells
}
