package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Provision creates the streams and durables that are missing, updates in place
// what may be updated, and returns every difference it found. A difference that
// the broker cannot update is an error that says what to do; nothing is ever
// deleted or rebuilt. It may run in several processes at once. A byte limit below
// what a stream already holds is not applied, because that would evict messages;
// the difference is returned with Mended false.
//
// A durable of the receipts that was deleted goes on where its lane was, if that is
// recorded. One that is made for the first time begins where t.Starts says; without
// a word there, with the oldest receipt of a stream that is empty, and beside
// receipts that are older than the lane with the next one published, because a newly
// enabled handler must not send days of history to telephones.
func (c *Conn) Provision(ctx context.Context, t Topology) ([]Difference, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	diffs, err := c.provisionStreams(ctx, t)
	if err != nil {
		return diffs, err
	}
	var errs []error
	for _, h := range t.Handlers {
		for _, want := range t.durables(h) {
			d, err := c.provisionDurable(ctx, t, want)
			diffs, errs = append(diffs, d...), append(errs, err)
		}
	}
	return diffs, errors.Join(errs...)
}

func (c *Conn) provisionStreams(ctx context.Context, t Topology) ([]Difference, error) {
	info, err := c.streamInfo(ctx, t.Stream)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("provisioning stream %s: %w", t.Stream, err)
	}
	diffs := c.provisionLanes(ctx, t)
	if err != nil {
		c.recordFirst(ctx, t)
	}
	var errs []error
	for _, want := range t.streams() {
		d, err := c.provisionStream(ctx, wantedStream{
			object: "stream " + want.Name, config: want, settings: settingsOf(want), bounded: true,
			otherwise: "set PUSHWORKER_STREAM to another name, or, if nothing in the stream is needed, remove it with `nats stream rm " + want.Name + "` and start again",
		})
		if len(d) == 1 && d[0].Field == "" && info != nil && info.State.LastSeq > 0 { // it was made beside receipts
			d[0].Want, d[0].Notice = d[0].Want+"; if it was there before, what waited in it is lost", true
		}
		diffs, errs = append(diffs, d...), append(errs, err)
	}
	return diffs, errors.Join(errs...)
}

func (c *Conn) provisionDurable(ctx context.Context, t Topology, want durable) ([]Difference, error) {
	info, err := c.consumerInfo(ctx, want.stream, want.config.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		var made Difference
		if made, err = c.makeDurable(ctx, t, want); err == nil {
			return []Difference{made}, nil
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
		return unmended(diffs), fmt.Errorf("%w: rename the handler, or remove the durable with `nats consumer rm %s %s` and start again: the lane goes on where it was", err, want.stream, want.config.Durable)
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

// makeDurable creates a durable that is missing. One of the retries begins with the
// oldest, since its stream holds only what is not settled.
func (c *Conn) makeDurable(ctx context.Context, t Topology, want durable) (Difference, error) {
	begin := start{policy: jetstream.DeliverAllPolicy, why: "it starts with the oldest message kept"}
	p, known := c.lastPosition(ctx, t, want.lane)
	if want.stream == t.Stream {
		info, err := c.streamInfo(ctx, t.Stream)
		if err != nil {
			return Difference{}, err
		}
		begin = t.startOf(want.lane, p, known, info)
	}
	begin.apply(&want.config, p)
	err := c.request(ctx, want.createSubject(), func(ctx context.Context) error {
		_, err := c.js.CreateConsumer(ctx, want.stream, want.config)
		return err
	})
	return Difference{Object: want.String(), Have: "none", Want: begin.why, Mended: true, Notice: begin.notice}, err
}
