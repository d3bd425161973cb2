package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/consumer"
)

// store publishes m and waits for the confirmation of stream. It reports whether a
// message with the dedup id of m was there already.
func store(ctx context.Context, c *broker.Conn, m *nats.Msg, stream string) (duplicate bool, err error) {
	err = c.Ask(ctx, m.Subject, func(ctx context.Context) error {
		ack, err := c.JetStream().PublishMsg(ctx, m, jetstream.WithExpectStream(stream))
		duplicate = err == nil && ack.Duplicate
		return err
	})
	switch {
	case isTooLarge(err):
		err = fmt.Errorf("%d bytes and headers are %w (%w): raise max_payload of the broker and max_msg_size of stream %s",
			len(m.Data), consumer.ErrTooLarge, err, stream)
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		err = fmt.Errorf("%w: stream %s is missing or has no leader; run `pushworker provision`", err, stream)
	}
	return duplicate, err
}

// isTooLarge reports whether the broker never takes a message of that size.
func isTooLarge(err error) bool {
	if errors.Is(err, nats.ErrMaxPayload) {
		return true
	}
	const storeFailed, messageTooLarge, headersTooLarge = 10077, 10054, 10097
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == messageTooLarge || api.ErrorCode == headersTooLarge ||
		api.ErrorCode == storeFailed && api.Description == "message too large")
}
