package worker_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
)

// A worker that meets a cluster without a quorum asks again until its streams have a
// place. The node that is left answers in three ways, one after the other: that the
// peers are offline, that there is no leader, and not at all.
func TestWorkerWaitsForTheCluster(t *testing.T) {
	t.Parallel()
	c := brokertest.StartCluster(t, 3)
	left := c.Leader(t)
	for i := range 3 {
		if i != left {
			c.StopNode(i)
		}
	}
	waits := make(waits, 64)
	admin := "http://" + setup{url: c.URL(left), log: waits, env: []string{"PUSHWORKER_REPLICAS=3"}}.start(t)
	for range 3 {
		waits.next(t)
	}
	wantAnswer(t, admin+"/livez", http.StatusOK, "ok")
	for i := range 3 {
		if i != left {
			c.StartNode(t, i)
		}
	}
	wantAnswer(t, admin+"/readyz", http.StatusOK, "ok")
}

// waits is the log of a worker; it keeps only when the worker said that it waits.
type waits chan struct{}

func (w waits) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("waiting for the broker to answer")) {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

func (w waits) next(t *testing.T) {
	t.Helper()
	select {
	case <-w:
	case <-time.After(2 * deadline): // a round that the broker is silent in takes half a minute
		t.Fatal("the worker does not ask the broker again")
	}
}
