package worker_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/worker"
	"github.com/pushworker/pushworker/pkg/publisher"
	"github.com/pushworker/pushworker/pkg/push"
)

// A worker does not begin with an empty directory where there was one, until it is
// told to.
func TestLostDevicesEndAStart(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	topo := b.Topology("quiet")
	if _, err := topology.Provision(t.Context(), conn, topo); err != nil {
		t.Fatal(err)
	}
	pub, err := conn.Publisher(publisher.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.Publish(t.Context(), &push.Receipt{Payload: push.Payload{What: push.ActMsg, SeqId: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := pub.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	handled := make(chan struct{}, 1)
	run := func(ctx context.Context, create string) error {
		c, err := config.Load([]string{
			"PUSHWORKER_NATS_URL=" + b.URL(), "PUSHWORKER_ADMIN_ADDR=127.0.0.1:0", `PUSHWORKER_HANDLERS=[{"name":"quiet"}]`,
			"PUSHWORKER_MAX_BYTES=64MiB", "PUSHWORKER_DEAD_MAX_BYTES=64MiB", "PUSHWORKER_DEVICES_CREATE=" + create,
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return worker.Worker{
			Config: c, Banner: io.Discard, Log: zerolog.Nop(),
			Plugins: func(r *push.Registry, _ push.Directory) {
				r.Register("quiet", push.Adapt(func(string) (push.Work, error) {
					return push.Work{Handle: func(context.Context, *push.Receipt) error {
						handled <- struct{}{}
						return nil
					}}, nil
				}))
			},
		}.Run(ctx)
	}
	ctx, stop := context.WithTimeout(t.Context(), deadline)
	defer stop()
	if err := run(ctx, "false"); !errors.Is(err, devices.ErrLost) {
		t.Errorf("Run = %v, want ErrDevicesLost", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "true") }()
	select {
	case <-handled:
	case err := <-ended:
		t.Fatalf("the worker that may make the bucket ends with %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
