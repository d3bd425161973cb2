package embedded_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
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
	brokertest.BreakStore(t, s.ClientURL(), dir, "PUSH", "push.receipts")
	for end := time.Now().Add(brokertest.Deadline); s.Health() == nil && time.Now().Before(end); {
		<-time.After(20 * time.Millisecond)
	}
	if err := s.Health(); err == nil || !strings.Contains(err.Error(), "restart pushworker") {
		t.Errorf("Health = %v after a write error", err)
	}
}
