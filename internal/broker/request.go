package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrSilent says that the broker did not answer, or answered that it cannot now, as
// a cluster without a leader does: the same may succeed a moment later.
var ErrSilent = errors.New("the broker does not answer")

const (
	// leaderless is the error code of a cluster that has no leader or no quorum.
	leaderless = 10008
	// streamOffline and durableOffline are the codes for what is on nodes that are all down.
	streamOffline, durableOffline = 10118, 10119
	// noPeers is the code of a cluster that has no place for a stream. Its description
	// says why, but not whether there are nodes that have yet to join.
	noPeers = 10005
	// noResources is the code of one that has no place for a durable, for example because
	// too few of the nodes that hold its stream are up.
	noResources = 10023
)

// Ask runs one question to the broker or one publish on subject, bounded by
// ctx and [RequestTimeout]. The broker answers a forbidden subject with silence
// and an asynchronous error; Ask returns that as a [DeniedError] at once.
func (c *Conn) Ask(ctx context.Context, subject string, ask func(context.Context) error) error {
	ctx, stop := c.Bound(ctx, RequestTimeout)
	defer stop()
	return c.askFor(ctx, subject, ask)
}

// askFor is Ask without a bound of its own.
func (c *Conn) askFor(ctx context.Context, subject string, ask func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.OnDenied(c.Subject(subject), cancel)()
	err := ask(ctx)
	if err == nil {
		return nil
	}
	if denied, ok := errors.AsType[*DeniedError](context.Cause(ctx)); ok {
		return denied
	}
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%w: start nats-server with -js, and enable JetStream for the account", err)
	case errors.Is(err, nats.ErrNoResponders) && c.api != "":
		return fmt.Errorf("%w (%w): nothing answers at %s: check the leaf node's connection or the imports, and PUSHWORKER_NATS_DOMAIN or PUSHWORKER_NATS_API_PREFIX", err, ErrSilent, strings.TrimSuffix(c.api, "."))
	case errors.Is(err, context.DeadlineExceeded) && !c.Connected():
		return fmt.Errorf("%w (%w): there is no connection to the broker", err, ErrSilent)
	case errors.Is(err, context.DeadlineExceeded), isLeaderless(err):
		return fmt.Errorf("%w (%w)", err, ErrSilent)
	}
	return err
}

// isLeaderless reports an answer of a cluster that is starting or has lost its quorum.
// For a moment before it has no leader, its leader says that too few peers are online.
func isLeaderless(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return false
	}
	switch int(api.ErrorCode) {
	case leaderless, streamOffline, durableOffline:
		return true
	case noPeers:
		return strings.Contains(api.Description, "peer offline")
	}
	return false
}
