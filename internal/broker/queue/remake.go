package queue

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/consumer"
)

// Remaker makes durables that somebody has deleted, and says where they begin.
type Remaker interface {
	Make(ctx context.Context, d topology.Durable) (topology.Difference, error)
}

// remake makes the durable anew that somebody has deleted: that of the receipts where
// the lane was, those of the retries with all that wait.
func (s *Source) remake(ctx context.Context) error {
	if s.remaker == nil {
		return fmt.Errorf("%w: %s was deleted: run `pushworker provision` as a user who may create durables, and start again; the lane resumes at its recorded position", consumer.ErrSourceGone, s.durable)
	}
	made, err := s.remaker.Make(ctx, s.durable)
	switch {
	case err == nil:
		s.conn.Log().Warn().Str("handler", s.durable.Lane).Msgf("%s was deleted and was created again: %s", s.durable, made.Want)
	case errors.Is(err, jetstream.ErrConsumerExists): // another puller or process was faster
	case ctx.Err() != nil || !s.conn.Connected():
		return nil //nolint:nilerr // a reconnect looks again
	case errors.Is(err, broker.ErrSilent) || isServerFault(err): // the lane asks again
		return fmt.Errorf("creating %s again: %w", s.durable, err)
	default:
		return fmt.Errorf("%w: %s was deleted and cannot be created again: %w: start again with a user who may create durables; the lane resumes at its recorded position",
			consumer.ErrSourceGone, s.durable, err)
	}
	info, err := s.info(ctx)
	if err != nil {
		return nil //nolint:nilerr // the next look at the durable tells
	}
	return s.adopt(info)
}

// isServerFault reports an answer that the broker's own trouble is to blame for, as
// when it is still removing the files of the durable that it is to make.
func isServerFault(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code >= http.StatusInternalServerError
}

// adopt goes on with a durable that was made anew by a worker. One that somebody else
// has made may start anywhere, and going on with it would be silent loss or a flood.
func (s *Source) adopt(info *jetstream.ConsumerInfo) error {
	if s.remaker == nil || info.Config.Description != s.durable.Config.Description {
		return fmt.Errorf("%w: %s was deleted and created again at %s: restart the worker to bind to the new one",
			consumer.ErrSourceGone, s.durable, info.Created.Format(time.RFC3339))
	}
	s.created.Store(info.Created.UnixNano())
	return nil
}
