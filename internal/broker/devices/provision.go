package devices

import (
	"context"
	"fmt"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

// Provision creates the bucket of the device directory if it is missing,
// with so many replicas, updates in place what may be updated, and returns every
// difference it found, as [topology.Wanted] does for the streams. Limits of the
// bucket in bytes are the operator's and are left alone.
func Provision(ctx context.Context, c *broker.Conn, replicas int) ([]topology.Difference, error) {
	diffs, err := wanted(replicas).Provision(ctx, c)
	if err != nil {
		return diffs, err
	}
	if err := provisionMask(ctx, c); err != nil {
		return diffs, fmt.Errorf("provisioning bucket %s: %w", wire.DevicesBucket, err)
	}
	return diffs, nil
}

// wanted is the wanted bucket, with a time to live for what marks a deletion.
func wanted(replicas int) topology.Wanted {
	w := topology.Bucket(wire.DevicesBucket, "users' devices, and the owner of each token; keys user.<uid> and token.<hash>", replicas)
	w.Config.AllowMsgTTL = true
	w.Otherwise = "copy it with `pushworker device export`, remove it with `nats kv del " + wire.DevicesBucket + "`, and start again"
	return w
}

// Inspect looks at the bucket and changes nothing.
func Inspect(ctx context.Context, c *broker.Conn, replicas int) topology.Object {
	return wanted(replicas).Inspect(ctx, c)
}
