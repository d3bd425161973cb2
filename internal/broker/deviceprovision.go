package broker

import (
	"context"
	"fmt"
)

// ProvisionDevices creates the bucket of the device directory if it is missing,
// with so many replicas, updates in place what may be updated, and returns every
// difference it found, as [Conn.Provision] does for the streams. Limits of the
// bucket in bytes are the operator's and are left alone.
func ProvisionDevices(ctx context.Context, c *Conn, replicas int) ([]Difference, error) {
	diffs, err := devicesWanted(replicas).Provision(ctx, c)
	if err != nil {
		return diffs, err
	}
	if err := provisionMask(ctx, c); err != nil {
		return diffs, fmt.Errorf("provisioning bucket %s: %w", devicesBucket, err)
	}
	return diffs, nil
}

// devicesWanted is the wanted bucket, with a time to live for what marks a deletion.
func devicesWanted(replicas int) Wanted {
	w := Bucket(devicesBucket, "devices of users and whose their tokens are; keys user.<uid> and token.<hash>", replicas)
	w.Config.AllowMsgTTL = true
	w.Otherwise = "copy it with `pushworker device export`, remove it with `nats kv del " + devicesBucket + "`, and start again"
	return w
}

// InspectDevices looks at the bucket and changes nothing.
func InspectDevices(ctx context.Context, c *Conn, replicas int) Object {
	return devicesWanted(replicas).Inspect(ctx, c)
}
