package worker_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/worker"
)

// A cluster with a leader and too few nodes for the replicas has no place for the streams:
// a worker waits for the node that has yet to join.
func TestWorkerWaitsForNodesThatJoin(t *testing.T) {
	t.Parallel()
	c := brokertest.NewCluster(t, 3, 2)
	for i := range 2 {
		c.StartNode(t, i)
	}
	waits := waiting("waiting for more nodes of the broker's cluster")
	admin := "http://" + setup{url: c.URL(0), log: waits, env: []string{"PUSHWORKER_REPLICAS=3"}}.start(t)
	waits.next(t)
	c.StartNode(t, 2)
	wantAnswer(t, admin+"/readyz", http.StatusOK, "ok")
}

// So does provision, until its time is up; then it says what is missing and what to do.
func TestProvisionWaitsForNodesThatJoin(t *testing.T) {
	t.Parallel()
	c := brokertest.NewCluster(t, 2, 2)
	for i := range 2 {
		c.StartNode(t, i)
	}
	c.Leader(t)
	conf, err := config.Load([]string{"PUSHWORKER_NATS_URL=" + c.URL(0), "PUSHWORKER_REPLICAS=3", "PUSHWORKER_MAX_BYTES=64MiB", "PUSHWORKER_DEAD_MAX_BYTES=64MiB"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := broker.Connect(t.Context(), broker.Options{URL: c.URL(0), Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*deadline)
	defer cancel()
	waits := waiting("waiting for more nodes of the broker's cluster")
	ended := make(chan error, 1)
	go func() {
		_, err := worker.Worker{Config: conf, Log: zerolog.New(waits)}.Provision(ctx, conn)
		ended <- err
	}()
	waits.next(t)
	cancel() // its time is up, and not before it has met that there are too few
	err = <-ended
	if want := "start the servers that are missing, add some, or lower PUSHWORKER_REPLICAS"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("provision ends with %v, want %q", err, want)
	}
	if !broker.Passing(err) {
		t.Errorf("provision ends with %v, which does not count as an answer of the broker", err)
	}
}
