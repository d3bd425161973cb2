package devices_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
)

// In a cluster a bucket that has just been made may not answer yet: whoever
// provisions it waits for that, and is not told to provision it.
func TestMaskWaitsForABucketThatIsBeingMade(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline)
	defer cancel()
	c, err := broker.Connect(ctx, broker.Options{URL: brokertest.Start(t).URL(), Name: "test", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	made := make(chan error, 1)
	go func() { made <- devices.ProvisionMask(ctx, c) }()
	select {
	case err := <-made:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond): // more than a refusal takes
	}
	if err := devices.ProvisionBucket(ctx, c); err != nil {
		t.Fatal(err)
	}
	if err := <-made; err != nil {
		t.Errorf("the mask is not made: %v", err)
	}
}
