package main

import (
	"context"
	"time"
)

func (r *runner) soak(ctx context.Context, d time.Duration) error { return nil }
