package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// newcomerAfter is the age of a stream's oldest durable from which on a further
// durable is a newcomer, see [Conn.Provision].
const newcomerAfter = 10 * time.Minute

// Provision creates the streams and durables that are missing, updates in place
// what may be updated, and returns every difference it found. A difference that
// the broker cannot update is an error that says what to do; nothing is ever
// deleted or rebuilt. It may run in several processes at once. A byte limit below
// what a stream already holds is not applied, because that would evict messages;
// the difference is returned with Mended false.
//
// A durable that is created on a stream whose durables are all younger than ten
// minutes, or that has none, starts with the oldest receipt kept. One that is
// added later starts with the next receipt published, because a newly enabled
// handler must not send days of history to telephones; `pushworker replay
// --handler` sends history on purpose.
func (c *Conn) Provision(ctx context.Context, t Topology) ([]Difference, error) {
	return c.provision(ctx, t, newcomerAfter)
}

func (c *Conn) provision(ctx context.Context, t Topology, newcomerAfter time.Duration) ([]Difference, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	diffs, err := c.provisionStreams(ctx, t)
	if err != nil {
		return diffs, err
	}
	newcomer, err := c.newcomer(ctx, t.Stream, newcomerAfter)
	if err != nil {
		return diffs, err
	}
	var errs []error
	for _, h := range t.Handlers {
		durables := t.durables(h)
		if newcomer {
			durables[0].config.DeliverPolicy = jetstream.DeliverNewPolicy
		}
		for _, want := range durables {
			d, err := c.provisionDurable(ctx, want)
			diffs, errs = append(diffs, d...), append(errs, err)
		}
	}
	return diffs, errors.Join(errs...)
}

func (c *Conn) provisionStreams(ctx context.Context, t Topology) ([]Difference, error) {
	var diffs []Difference
	var errs []error
	for _, want := range t.streams() {
		d, err := c.provisionStream(ctx, wantedStream{
			object: "stream " + want.Name, config: want, settings: settingsOf(want), bounded: true,
			otherwise: "set PUSHWORKER_STREAM to another name, or, if nothing in the stream is needed, remove it with `nats stream rm " + want.Name + "` and start again",
		})
		diffs, errs = append(diffs, d...), append(errs, err)
	}
	return diffs, errors.Join(errs...)
}

func (c *Conn) provisionDurable(ctx context.Context, want durable) ([]Difference, error) {
	info, err := c.consumerInfo(ctx, want.stream, want.config.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		err = c.request(ctx, want.createSubject(), func(ctx context.Context) error {
			_, err := c.js.CreateConsumer(ctx, want.stream, want.config)
			return err
		})
		if err == nil {
			return []Difference{{Object: want.String(), Have: "none", Want: want.start(), Mended: true}}, nil
		}
		if errors.Is(err, jetstream.ErrConsumerExists) { // another process was faster
			info, err = c.consumerInfo(ctx, want.stream, want.config.Durable)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("provisioning %s: %w%s", want, err, want.remedy(err))
	}
	have := info.Config
	diffs, err := mend(want.String(), durableSettings(), &have, &want.config, nil)
	if err != nil {
		return unmended(diffs), fmt.Errorf("%w: rename the handler, or remove the durable with `nats consumer rm %s %s`, which forgets the lane's position", err, want.stream, want.config.Durable)
	}
	if !anyMended(diffs) {
		return diffs, nil
	}
	err = c.request(ctx, want.createSubject(), func(ctx context.Context) error {
		_, err := c.js.UpdateConsumer(ctx, want.stream, have)
		return err
	})
	if err != nil {
		return unmended(diffs), fmt.Errorf("updating %s: %w%s", want, err, want.remedy(err))
	}
	return diffs, nil
}

// newcomer reports whether a durable created now on stream joins one older than
// age.
func (c *Conn) newcomer(ctx context.Context, stream string, age time.Duration) (bool, error) {
	durables, err := c.durablesOf(ctx, stream)
	if err != nil {
		return false, err
	}
	for _, info := range durables {
		if info.TimeStamp.Sub(info.Created) > age {
			return true, nil
		}
	}
	return false, nil
}
