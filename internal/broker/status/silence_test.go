package status_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/status"
)

// TestSilenceIsBlamedOnTheInboxOfRequestsOnly: a subscription needs none.
func TestSilenceIsBlamedOnTheInboxOfRequestsOnly(t *testing.T) {
	t.Parallel()
	conn := brokertest.ConnectTo(t, brokertest.Start(t).URL(), zerolog.Nop())
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if err := status.Try(late, conn, "push.marks.PUSH", nil); err == nil || strings.Contains(err.Error(), "inbox") {
		t.Errorf("a subscription without an answer: %v", err)
	}
	if err := status.Try(late, conn, "$JS.API.INFO", status.Question); err == nil || !strings.Contains(err.Error(), "is the inbox") {
		t.Errorf("a request without an answer: %v", err)
	}
}
