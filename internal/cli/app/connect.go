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

// WithBroker runs f with the configuration and a connection to the broker.
func (a *App) WithBroker(ctx context.Context, command string, f func(*config.Config, *broker.Conn) error) error {
	c, err := a.Config()
	if err != nil {
		return err
	}
	conn, err := a.Connect(ctx, c, command)
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(c, conn)
}

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
