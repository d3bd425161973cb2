// Package lanes pauses, finds and retires lanes for operators, whoever runs them. It
// refuses to know their handlers.
package lanes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// ErrNoLane says that the broker has no durables of a handler.
var ErrNoLane = errors.New("there is no such lane")

// Pause has the broker deliver nothing more of a lane until then, whoever
// runs it; the zero time resumes it. Workers need no restart, and what they hold
// they finish. After an error some of the three durables may have changed, and
// repeating the call corrects that.
//
// It needs $JS.API.CONSUMER.PAUSE of the lane's durables. An error wraps
// [ErrNoLane] when the lane has none.
func Pause(ctx context.Context, c *broker.Conn, t topology.Topology, handler string, until time.Time) error {
	for _, d := range t.Durables(handler) {
		err := c.Ask(ctx, "$JS.API.CONSUMER.PAUSE."+d.Stream+"."+d.Config.Durable, func(ctx context.Context) error {
			if until.IsZero() {
				_, err := c.JetStream().ResumeConsumer(ctx, d.Stream, d.Config.Durable)
				return err
			}
			_, err := c.JetStream().PauseConsumer(ctx, d.Stream, d.Config.Durable, until)
			return err
		})
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
			return fmt.Errorf("%w as %q: the broker has no %s: `pushworker lane ls` lists the lanes", ErrNoLane, handler, d)
		case err != nil:
			return fmt.Errorf("changing %s: %w", d, err)
		}
	}
	return nil
}
