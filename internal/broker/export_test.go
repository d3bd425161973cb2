package broker

import (
	"context"
	"time"
)

// ProvisionLater provisions as if d had passed since the durables were created.
func ProvisionLater(ctx context.Context, c *Conn, t Topology, d time.Duration) ([]Difference, error) {
	return c.provision(ctx, t, newcomerAfter-d)
}

// Trim lets a janitor look once.
func (j *Janitor) Trim(ctx context.Context) error { return j.trim(ctx) }

// OneLine is oneLine.
func OneLine(s string, limit int) string { return oneLine(s, limit) }
