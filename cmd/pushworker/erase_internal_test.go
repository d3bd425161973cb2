package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/push"
)

// An erasure that a signal interrupts is unfinished, and not the broker's fault.
func TestEraseInterruptedIsUnfinished(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	topology := b.Topology("fcm")
	conn := b.Connect(t)
	if _, err := broker.Provision(t.Context(), conn, topology); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	e := erasure{
		app: &app{stdout: &stdout, stderr: &stderr}, user: push.ParseUserId("usr782riWdFIwE"), out: formatTable,
		eraser: broker.NewEraser(conn, topology),
	}
	planned, err := e.survey(t.Context())
	if err != nil || len(planned) != 5 {
		t.Fatalf("survey = %v, %v", planned, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.survey(ctx); exitCode(err) != exitUnfinished {
		t.Errorf("survey: %v has exit code %d, want %d", err, exitCode(err), exitUnfinished)
	}
	if _, err := e.run(ctx, planned); exitCode(err) != exitUnfinished {
		t.Errorf("run: %v has exit code %d, want %d", err, exitCode(err), exitUnfinished)
	}
	if stdout.Len() == 0 {
		t.Error("what was done is not told")
	}
}
