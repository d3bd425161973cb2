package lanes

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

// ErrRuns says that somebody runs a lane.
var ErrRuns = errors.New("a worker runs the lane")

// Find looks at a lane of t's streams, whoever made it. An error wraps
// [ErrNoLane] when it has no durable, and [ErrRuns] when somebody runs it.
func Find(ctx context.Context, c *broker.Conn, t topology.Topology, name string) (status.LaneStats, error) {
	t.Handlers = nil
	all, err := status.OtherLanes(ctx, c, t)
	if err != nil {
		return status.LaneStats{}, err
	}
	for _, lane := range all {
		switch {
		case lane.Handler != name:
		case !lane.Abandoned:
			return lane, fmt.Errorf("%w %s: stop it, or take the handler out of its PUSHWORKER_HANDLERS; if it was killed, wait for %s", ErrRuns, name, topology.UnseenAfter)
		default:
			return lane, nil
		}
	}
	return status.LaneStats{}, fmt.Errorf("%w as %q: `pushworker lane ls --all` lists the lanes", ErrNoLane, name)
}

// Retire removes the durables of a lane, its retries that wait, and the records of
// its position and of what it has subscribed to channels. Receipts and dead letters stay. After an error some of it may be
// done, and repeating the call does the rest. It needs $JS.API.CONSUMER.DELETE of the
// durables, $JS.API.STREAM.PURGE of PUSH_RETRY, $KV.push-lanes.>
// and those to read and write the bucket of channels.
func Retire(ctx context.Context, c *broker.Conn, t topology.Topology, name string) error {
	durables := t.Durables(name)
	for _, d := range durables[:len(durables)-2] { // of receipts
		if err := deleteDurable(ctx, c, d); err != nil {
			return err
		}
	}
	for _, subject := range []string{wire.SchedulePrefix + name + ".>", wire.RetryPrefix + name, wire.RetryPrefix + name + wire.SuspectsToken} {
		if err := purgeRetries(ctx, c, t, subject); err != nil {
			return err
		}
	}
	for _, d := range durables[len(durables)-2:] {
		if err := deleteDurable(ctx, c, d); err != nil {
			return err
		}
	}
	if err := channels.ForgetHandler(ctx, c, name); err != nil {
		return err //nolint:wrapcheck // it says all
	}
	return topology.ForgetPosition(ctx, c, t, name)
}

func deleteDurable(ctx context.Context, c *broker.Conn, d topology.Durable) error {
	err := c.Ask(ctx, "$JS.API.CONSUMER.DELETE."+d.Stream+"."+d.Config.Durable, func(ctx context.Context) error {
		return c.JetStream().DeleteConsumer(ctx, d.Stream, d.Config.Durable)
	})
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("removing %s: %w", d, err)
	}
	return nil
}

func purgeRetries(ctx context.Context, c *broker.Conn, t topology.Topology, subject string) error {
	err := c.Ask(ctx, "$JS.API.STREAM.PURGE."+t.RetryStream(), func(ctx context.Context) error {
		s, err := c.JetStream().Stream(ctx, t.RetryStream())
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
