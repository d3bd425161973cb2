package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/internal/cli/app"
)

func TestStatusWatchLooksAgainUntilInterrupted(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	provision(t, b)
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	code, stderr := make(chan int, 1), new(bytes.Buffer)
	go func() {
		env := []string{"PUSHWORKER_NATS_URL=" + b.URL(), "PUSHWORKER_ADMIN_ADDR=127.0.0.1:1"}
		code <- cli.Run(ctx, ours(), []string{"status", "--watch", "-o", "json"}, env, nil, writer, stderr)
		_ = writer.Close() // never fails
	}()
	documents := json.NewDecoder(reader)
	var first, second admin.Status
	for _, s := range []*admin.Status{&first, &second} {
		if err := documents.Decode(s); err != nil {
			t.Fatal(err)
		}
		if len(s.Lanes) != 1 || s.Lanes[0].Handler != "stdout" || len(s.Streams) != 3 {
			t.Errorf("status is %+v", s)
		}
	}
	if !second.Time.After(first.Time) {
		t.Errorf("the second look is of %s, the first of %s", second.Time, first.Time)
	}
	stop()
	if got := <-code; got != app.ExitOK || stderr.Len() > 0 {
		t.Errorf("exit code %d: %s", got, stderr)
	}
}
