package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

const (
	// Joining is how long Persist waits for nodes of the cluster that are missing. A node
	// that takes longer has a fault, and the operator must know.
	Joining = 2 * time.Minute
	// askAgain is the pause of Persist.
	askAgain = 2 * time.Second
)

// Persist asks again for as long as the broker does not answer: a cluster that looks for
// a leader is no reason to end. One with too few nodes is asked for [Joining], or until the
// deadline of ctx if it has one: nodes join one by one, and some never. The error is
// the last answer, and not that ctx has ended.
func Persist(ctx context.Context, log zerolog.Logger, ask func() error) error {
	var last error
	var since time.Time // when there were too few nodes for the first time
	for {
		err := ask()
		if err != nil && ctx.Err() != nil && last != nil {
			return last
		}
		if !Passing(err) || ctx.Err() != nil {
			return err
		}
		if since = short(since, err); tooLong(ctx, since) {
			return fmt.Errorf("%w (no node has joined the cluster for %s)", err, Joining)
		}
		log.Warn().Err(err).Msg(awaited(since))
		last = err
		select {
		case <-time.After(askAgain):
		case <-ctx.Done(): // which the next round tells
		}
	}
}

// awaited is what is waited for, and what to do.
func awaited(since time.Time) string {
	if since.IsZero() {
		return "waiting for the broker to answer: check that its cluster has a leader"
	}
	return "waiting for more nodes of the broker's cluster: check that all of them run and have joined it, and PUSHWORKER_REPLICAS"
}

// short is since when there have been too few nodes, the last answer being err; zero if
// that is not what it says.
func short(since time.Time, err error) time.Time {
	switch {
	case errors.Is(err, ErrSilent):
		return time.Time{}
	case since.IsZero():
		return time.Now()
	}
	return since
}

// tooLong is whether nobody waits for nodes any more that have been missing since then.
func tooLong(ctx context.Context, since time.Time) bool {
	_, bounded := ctx.Deadline()
	return !bounded && !since.IsZero() && time.Since(since) >= Joining
}

// Passing reports an error that may pass without anybody changing a setting: the broker
// does not answer, or its cluster has too few nodes.
func Passing(err error) bool {
	if errors.Is(err, ErrSilent) {
		return true
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == noPeers || api.ErrorCode == noResources)
}
