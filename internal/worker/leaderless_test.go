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
	waits := waiting("waiting for the broker to answer")
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
type waits struct {
	words []byte
	said  chan struct{}
}

func waiting(words string) waits {
	return waits{words: []byte(words), said: make(chan struct{}, 64)} // more than a test waits for
}

func (w waits) Write(line []byte) (int, error) {
	if bytes.Contains(line, w.words) {
		select {
		case w.said <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

func (w waits) next(t *testing.T) {
	t.Helper()
	select {
	case <-w.said:
	case <-time.After(2 * deadline): // a round that the broker is silent in takes half a minute
		t.Fatal("the worker does not ask the broker again")
	}
}
