package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/admin"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/cli"
	"github.com/pushworker/pushworker/internal/cli/app"
)

func TestStatusWatchLooksAgainUntilInterrupted(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	provision(t, b)
	said := "" // by a command that met a broker without an answer, as on a machine that is busy
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if said = watchStatus(t, b); !strings.Contains(said, "the broker does not answer") {
			break
		}
	}
	if said != "" {
		t.Errorf("the command says %s", said)
	}
}

// watchStatus looks twice, interrupts the command, and returns what it says.
func watchStatus(t *testing.T, b *brokertest.Broker) (said string) {
	t.Helper()
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
			stop()
			_ = reader.Close() // it may print more
			return fmt.Sprintf("%v, exit code %d: %s", err, <-code, stderr)
		}
		if len(s.Lanes) != 1 || s.Lanes[0].Handler != "stdout" || len(s.Streams) != 3 {
			t.Errorf("status is %+v", s)
		}
	}
	if !second.Time.After(first.Time) {
		t.Errorf("the second look is of %s, the first of %s", second.Time, first.Time)
	}
	stop()
	go func() { _, _ = io.Copy(io.Discard, reader) }() // it may be about to print more
	if got := <-code; got != app.ExitOK && stderr.Len() == 0 {
		t.Errorf("exit code %d", got)
	}
	return stderr.String()
}
