package brokertest

import (
	"strconv"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// Letter is a dead letter of a handler.
func Letter(handler string, seq int) deadletter.Letter {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	return deadletter.Letter{
		Handler: handler, Reason: "permanent", Error: "token is gone", Attempts: 3, First: now, Last: now.Add(time.Minute),
		Stream: "PUSH", StreamSeq: uint64(seq), Subject: "push.receipts.x", ID: "PUSH:" + strconv.Itoa(seq) + ":abc:" + handler, //nolint:gosec // tests count from 1
		Data: []byte(`{"to":null}`), Header: map[string][]string{"traceparent": {"00-abc"}},
	}
}

// Bury writes letters.
func Bury(t *testing.T, d *queue.DeadLetters, letters ...deadletter.Letter) {
	t.Helper()
	for _, x := range letters {
		if err := d.Bury(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
}

// ListLetters reads those that a filter selects.
func ListLetters(t *testing.T, l *letters.Letters, f letters.Filter) []deadletter.Letter {
	t.Helper()
	var all []deadletter.Letter
	for x, err := range l.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}
