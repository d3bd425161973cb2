package devices

import (
	"context"

	"github.com/pushworker/pushworker/internal/broker"
)

// ProvisionMask has the mask of the devices made.
func ProvisionMask(ctx context.Context, c *broker.Conn) error { return provisionMask(ctx, c) }

// ProvisionBucket has the bucket of the devices made, without a mask.
func ProvisionBucket(ctx context.Context, c *broker.Conn) error {
	_, err := wanted(1).Provision(ctx, c)
	return err
}

// Tried waits for the test pushes that requests have begun.
func (d *Directory) Tried() { d.going.Wait() }
