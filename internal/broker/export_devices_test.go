package broker

import "context"

// ProvisionMask has the mask of the devices made.
func ProvisionMask(ctx context.Context, c *Conn) error { return provisionMask(ctx, c) }

// ProvisionBucket has the bucket of the devices made, without a mask.
func ProvisionBucket(ctx context.Context, c *Conn) error {
	_, err := devicesWanted(1).Provision(ctx, c)
	return err
}

// IsInbox is isInbox.
func IsInbox(subject string) bool { return isInbox(subject) }
