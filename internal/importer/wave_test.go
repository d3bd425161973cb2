package importer_test

import (
	"sync/atomic"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// What people do in a callback is publish the next receipt, also waiting for it.
func TestCallbackMayPublish(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	s := stream(t, nc, nil)
	pub := newPublisher(t, nc, publisher.Config{MaxInFlight: 1})
	inner, ctx := make(chan error, 1), patient(t)
	err := pub.PublishAsync(ctx, message(1), func(_ publisher.Ack, err error) {
		if err == nil {
			_, err = pub.Publish(ctx, message(2))
		}
		inner <- err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-inner; err != nil {
		t.Errorf("publishing in the callback: %v", err)
	}
	if n := count(t, s); n != 2 {
		t.Errorf("%d receipts are stored", n)
	}
}

// Flush waits for what was in flight when it was called, and not for what others
// publish meanwhile, or it would never end under steady traffic.
func TestFlushEndsUnderSteadyTraffic(t *testing.T) {
	t.Parallel()
	nc := dial(t, brokertest.Start(t).URL())
	stream(t, nc, nil)
	pub := newPublisher(t, nc, publisher.Config{})
	ctx := patient(t)
	var over atomic.Bool
	var last atomic.Int64
	var next func(publisher.Ack, error)
	next = func(publisher.Ack, error) { // there is always one in flight
		if n := last.Add(1); !over.Load() {
			if err := pub.PublishAsync(ctx, message(int(n)), next); err != nil {
				t.Error(err)
			}
		}
	}
	next(publisher.Ack{}, nil)
	for range 3 {
		called := make(chan struct{})
		if err := pub.PublishAsync(ctx, message(1_000_000), func(publisher.Ack, error) { close(called) }); err != nil {
			t.Fatal(err)
		}
		if err := pub.Flush(ctx); err != nil {
			t.Fatalf("Flush: %v", err)
		}
		select {
		case <-called:
		default:
			t.Error("Flush returns before the callback of a receipt that was in flight")
		}
	}
	over.Store(true)
	for range 2 { // a callback may have been about to publish
		if err := pub.Flush(ctx); err != nil {
			t.Error(err)
		}
	}
}
