package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/embedded"
)

// A store that has failed to write stays so until a restart, and says it.
func TestHealthTellsAWriteError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Options{Addr: "127.0.0.1:0", DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	nc, err := nats.Connect("", nats.InProcessServer(s.InProcess()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "PUSH", Subjects: []string{"push.receipts"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Health(); err != nil {
		t.Errorf("a store that works: %v", err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "PUSH", "msgs"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the store has %v, %v", found, err)
	}
	if err := os.Rename(found[0], found[0]+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(found[0], nil, 0o600); err != nil { // no further block can be made
		t.Fatal(err)
	}
	for range 80 { // blocks have 8 MiB at most
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := js.Publish(ctx, "push.receipts", make([]byte, 512<<10), jetstream.WithRetryAttempts(0))
		cancel()
		if err != nil {
			break
		}
	}
	if err := s.Health(); err == nil || !strings.Contains(err.Error(), "restart pushworker") {
		t.Errorf("Health = %v after a write error", err)
	}
}
