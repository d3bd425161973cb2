package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/worker"
)

// connectTimeout is how long a command looks for the broker.
const connectTimeout = 5 * time.Second

// createTimeout is how long a command waits until the broker's cluster can hold what it creates.
const createTimeout = 30 * time.Second

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

// WithTopology is WithBroker for a command that needs every stream of receipts: it is
// refused where there are more than the configuration says.
func (a *App) WithTopology(ctx context.Context, command string, f func(*config.Config, *broker.Conn, topology.Topology) error) error {
	return a.WithBroker(ctx, command, func(c *config.Config, conn *broker.Conn) error {
		t := worker.Topology(c, nil)
		if err := topology.CheckShards(ctx, conn, t); err != nil {
			return Usage(err)
		}
		return f(c, conn, t)
	})
}

// Create has create make what a command needs and does not find. It waits for a cluster
// that is starting.
func Create(ctx context.Context, conn *broker.Conn, create func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	return broker.Persist(ctx, *conn.Log(), func() error { return create(ctx) })
}

// Connect connects a command to the broker. Close the connection.
func (a *App) Connect(ctx context.Context, c *config.Config, command string) (*broker.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return a.ConnectUntil(ctx, c, command)
}

// ConnectUntil is Connect that looks for the broker until ctx ends.
func (a *App) ConnectUntil(ctx context.Context, c *config.Config, command string) (*broker.Conn, error) {
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
