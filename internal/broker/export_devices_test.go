package broker

import "context"

// ProvisionMask has the mask of the devices made.
func ProvisionMask(ctx context.Context, c *Conn) error { return c.provisionMask(ctx) }

// ProvisionBucket has the bucket of the devices made, without a mask.
func ProvisionBucket(ctx context.Context, c *Conn) error {
	_, err := c.provisionBucket(ctx, 1)
	return err
}
