package channel_test

import (
	"context"
	"errors"
	"sync/atomic"
)

var errDead = errors.New("the process is dead")

// mortal is a store to which a process writes until it dies.
type mortal struct {
	*told

	dead atomic.Bool
}

func (m *mortal) Write(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if m.dead.Load() {
		return 0, errDead
	}
	return m.told.Write(ctx, key, value, revision)
}
