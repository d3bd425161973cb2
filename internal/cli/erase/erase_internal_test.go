package erase

import (
	"bytes"
	"context"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/erasure"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/pkg/push"
)

// An erasure that a signal interrupts is unfinished, and not the broker's fault.
func TestEraseInterruptedIsUnfinished(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topo := b.Topology("fcm")
	conn := b.Connect(t)
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	e := erasing{
		command: command{&app.App{Stdout: &stdout, Stderr: &stderr}}, user: push.ParseUserId("usr782riWdFIwE"), out: terminal.FormatTable,
		eraser: erasure.New(conn, topo),
	}
	planned, err := e.survey(t.Context())
	if err != nil || len(planned) != 5 {
		t.Fatalf("survey = %v, %v", planned, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.survey(ctx); app.ExitCode(err) != app.ExitUnfinished {
		t.Errorf("survey: %v has exit code %d, want %d", err, app.ExitCode(err), app.ExitUnfinished)
	}
	if _, err := e.run(ctx, planned); app.ExitCode(err) != app.ExitUnfinished {
		t.Errorf("run: %v has exit code %d, want %d", err, app.ExitCode(err), app.ExitUnfinished)
	}
	if stdout.Len() == 0 {
		t.Error("what was done is not told")
	}
}
