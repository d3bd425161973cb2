package broker

import "context"

// Keep records once.
func (p *Positions) Keep(ctx context.Context) error { return p.keep(ctx, false) }

// Trim lets a janitor look once.
func (j *Janitor) Trim(ctx context.Context) error { return j.trim(ctx) }
