package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrLaneRuns says that somebody runs a lane.
var ErrLaneRuns = errors.New("a worker runs the lane")

// FindLane looks at a lane of t's streams, whoever made it. An error wraps
// [ErrNoLane] when it has no durable, and [ErrLaneRuns] when somebody runs it.
func FindLane(ctx context.Context, c *Conn, t Topology, name string) (LaneStats, error) {
	t.Handlers = nil
	all, err := OtherLanes(ctx, c, t)
	if err != nil {
		return LaneStats{}, err
	}
	for _, lane := range all {
		switch {
		case lane.Handler != name:
		case !lane.Abandoned:
			return lane, fmt.Errorf("%w %s: stop it, or take the handler out of its PUSHWORKER_HANDLERS; if it was killed, wait for %s", ErrLaneRuns, name, UnseenAfter)
		default:
			return lane, nil
		}
	}
	return LaneStats{}, fmt.Errorf("%w as %q: `pushworker lane ls --all` lists the lanes", ErrNoLane, name)
}

// RetireLane removes the durables of a lane, its retries that wait, and the record of
// its position. Receipts and dead letters stay. After an error some of it may be
// done, and repeating the call does the rest. It needs $JS.API.CONSUMER.DELETE of the
// durables, $JS.API.STREAM.PURGE of PUSH_RETRY and $KV.push-lanes.>.
func RetireLane(ctx context.Context, c *Conn, t Topology, name string) error {
	durables := t.durables(name)
	if err := deleteDurable(ctx, c, durables[0]); err != nil {
		return err
	}
	for _, subject := range []string{schedulePrefix + name + ".>", retryPrefix + name, retryPrefix + name + suspectsToken} {
		if err := purgeRetries(ctx, c, t, subject); err != nil {
			return err
		}
	}
	for _, d := range durables[1:] {
		if err := deleteDurable(ctx, c, d); err != nil {
			return err
		}
	}
	return ForgetPosition(ctx, c, t, name)
}

func deleteDurable(ctx context.Context, c *Conn, d durable) error {
	err := c.Ask(ctx, "$JS.API.CONSUMER.DELETE."+d.stream+"."+d.config.Durable, func(ctx context.Context) error {
		return c.JetStream().DeleteConsumer(ctx, d.stream, d.config.Durable)
	})
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("removing %s: %w", d, err)
	}
	return nil
}

func purgeRetries(ctx context.Context, c *Conn, t Topology, subject string) error {
	err := c.Ask(ctx, "$JS.API.STREAM.PURGE."+t.retryStream(), func(ctx context.Context) error {
		s, err := c.JetStream().Stream(ctx, t.retryStream())
		if err != nil {
			return err
		}
		return s.Purge(ctx, jetstream.WithPurgeSubject(subject))
	})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("removing the retries on %s: %w", subject, err)
	}
	return nil
}
