package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/worker"
)

// connectTimeout is how long a command looks for the broker.
const connectTimeout = 5 * time.Second

// Connect connects a command to the broker. Close the connection.
func (a *App) Connect(ctx context.Context, c *config.Config, command string) (*broker.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	o := worker.BrokerOptions(c, "pushworker "+command)
	o.Log = a.Logger(c.Log)
	conn, err := broker.Connect(ctx, o)
	if err != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return nil, Interrupted("nothing was changed")
	}
	if err != nil && c.UsesEmbedded() {
		err = fmt.Errorf("%w. Without PUSHWORKER_NATS_URL the broker is part of `pushworker run`: start that in another terminal", err)
	}
	if err != nil {
		return nil, Unavailable(err)
	}
	return conn, nil
}
