// Package directory makes what keeps the devices, as PUSHWORKER_DIRECTORY names it. It
// is what the worker, the commands and doctor have in common. It refuses to know how a
// source asks. What is lost at its border: nothing.
package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/chatserver"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/postgres"
)

// ErrConfig says that the settings of the directory are unusable. It is a configuration
// fault.
var ErrConfig = errors.New("the directory of devices cannot be configured")

// Check finds what is wrong with the settings of the directory, and asks nobody. The error
// wraps [ErrConfig].
func Check(c *config.Config) error {
	if !c.Directory.IsPostgres() {
		return nil
	}
	o, err := options(c)
	if err == nil {
		err = postgres.Parse(o)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// Source is who keeps the devices of c in place of the bucket push-devices; nil for the
// bucket. If it has a method Close, that is to be called. The error wraps [ErrConfig].
func Source(ctx context.Context, c *config.Config, conn *broker.Conn) (device.Source, error) {
	switch {
	case c.Directory == config.InNATS:
		return chatserver.New(conn), nil
	case !c.Directory.IsPostgres():
		return nil, nil //nolint:nilnil // the bucket is the normal case
	}
	o, err := options(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	s, err := postgres.New(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return s, nil
}

func options(c *config.Config) (postgres.Options, error) {
	queries, err := c.ReadQueries()
	if err != nil {
		return postgres.Options{}, fmt.Errorf("PUSHWORKER_DIRECTORY_QUERIES %w", err)
	}
	return postgres.Options{URL: c.Directory.Reveal(), Devices: queries.Devices, Gone: queries.Gone, UIDKey: c.UIDKey()}, nil
}
