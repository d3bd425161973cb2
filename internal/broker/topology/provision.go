package topology

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
)

// Provision creates the streams and durables that are missing, updates in place
// what may be updated, and returns every difference it found. A difference that
// the broker cannot update is an error that says what to do; nothing is ever
// deleted or rebuilt. It may run in several processes at once. A byte limit below
// what a stream already holds is not applied, because that would evict messages;
// the difference is returned with Updated false.
//
// A durable of the receipts that was deleted goes on where its lane was, if that is
// recorded. One that is made for the first time begins where t.Starts says; without
// a word there, with the oldest receipt of a stream that is empty, and beside
// receipts that are older than the lane with the next one published, because a newly
// enabled handler must not send days of history to telephones.
func Provision(ctx context.Context, c *broker.Conn, t Topology) ([]Difference, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	if err := CheckShards(ctx, c, t); err != nil {
		return nil, err
	}
	diffs, err := provisionStreams(ctx, c, t)
	if err != nil {
		return diffs, err
	}
	var errs []error
	for i, shard := range t.Each() {
		d, err := provisionDurables(ctx, c, shard, i == 0)
		diffs, errs = append(diffs, d...), append(errs, err)
		if broker.Passing(err) {
			break // the others would say the same
		}
	}
	return diffs, errors.Join(errs...)
}

// provisionDurables makes the durables of one stream of receipts; the first makes those of
// the retries as well.
func provisionDurables(ctx context.Context, c *broker.Conn, shard Topology, first bool) (diffs []Difference, err error) {
	var errs []error
	p := NewPositions(c, shard, *c.Log())
	for _, h := range shard.Handlers {
		wanted := shard.Durables(h)
		if !first {
			wanted = wanted[:1]
		}
		for _, want := range wanted {
			d, err := p.provisionDurable(ctx, c, want)
			diffs, errs = append(diffs, d...), append(errs, err)
			if broker.Passing(err) {
				return diffs, errors.Join(errs...)
			}
		}
	}
	return diffs, errors.Join(errs...)
}

// findReceipts returns the streams of receipts that are missing, and whether the others had receipts.
func findReceipts(ctx context.Context, c *broker.Conn, t Topology) (missing []Topology, had bool, err error) {
	for _, shard := range t.Each() {
		info, err := c.StreamInfo(ctx, shard.Receipts())
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			missing = append(missing, shard)
		case err != nil:
			return nil, false, fmt.Errorf("provisioning stream %s: %w", shard.Receipts(), err)
		default:
			had = had || info.State.LastSeq > 0
		}
	}
	return missing, had, nil
}

func provisionStreams(ctx context.Context, c *broker.Conn, t Topology) ([]Difference, error) {
	missing, had, err := findReceipts(ctx, c, t)
	if err != nil {
		return nil, err
	}
	diffs, err := NewPositions(c, t, *c.Log()).provision(ctx)
	if err != nil {
		return diffs, err
	}
	for _, shard := range missing {
		if err := NewPositions(c, shard, *c.Log()).recordFirst(ctx); err != nil {
			return diffs, err
		}
	}
	var errs []error
	for i, want := range t.Streams() {
		d, err := want.Provision(ctx, c)
		if len(d) == 1 && d[0].Field == "" && had && i >= len(t.Each()) { // it was made beside receipts
			d[0].Want, d[0].Notice = d[0].Want+"; if it was there before, what waited in it is lost", true
		}
		diffs, errs = append(diffs, d...), append(errs, err)
		if broker.Passing(err) {
			break // the others would say the same
		}
	}
	return diffs, errors.Join(errs...)
}

func (p *Positions) provisionDurable(ctx context.Context, c *broker.Conn, want Durable) ([]Difference, error) {
	info, err := c.ConsumerInfo(ctx, want.Stream, want.Config.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		var made Difference
		if made, err = p.Make(ctx, want); err == nil {
			return []Difference{made}, nil
		}
		if errors.Is(err, jetstream.ErrConsumerExists) { // another process was faster
			info, err = c.ConsumerInfo(ctx, want.Stream, want.Config.Durable)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("provisioning %s: %w%s", want, err, want.Remedy(err))
	}
	have := info.Config
	diffs, err := update(want.String(), durableSettings(), &have, &want.Config, nil)
	if err != nil {
		return unmended(diffs), fmt.Errorf("%w: rename the handler, or remove the durable with `nats consumer rm %s %s` and start again: the lane resumes at its recorded position", err, want.Stream, want.Config.Durable)
	}
	if !anyMended(diffs) {
		return diffs, nil
	}
	err = c.Ask(ctx, want.CreateSubject(), func(ctx context.Context) error {
		_, err := c.JetStream().UpdateConsumer(ctx, want.Stream, have)
		return err
	})
	if err != nil {
		return unmended(diffs), fmt.Errorf("updating %s: %w%s", want, err, want.Remedy(err))
	}
	return diffs, nil
}
