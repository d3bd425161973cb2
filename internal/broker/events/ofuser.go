package events

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/outcome"
	"github.com/pushworker/pushworker/pkg/push"
)

// anyOutcome are the subjects of outcomes, in full and in brief.
const anyOutcome = "push.events.*.>"

// Outcomes are the receipts of which something is recorded for a user.
type Outcomes struct {
	// Seqs are their sequences, the newest first.
	Seqs []uint64
	// Since is when the first outcome was recorded in brief: from then on those of every
	// receipt are recorded, as far as no event was dropped. Zero if none is.
	Since time.Time
}

// OfUser returns what is recorded since a time for user in t's stream of events,
// of receipts of its first stream of those.
// There need be no such stream.
func OfUser(ctx context.Context, c *broker.Conn, t topology.Topology, user push.Uid, since time.Time) (o Outcomes, err error) {
	if err := Find(ctx, c, t); errors.Is(err, ErrNoStream) {
		return o, nil
	}
	first, err := c.First(ctx, t.EventsStream(), 1, wire.AcceptedPrefix+">")
	if err != nil {
		return o, err
	}
	o.Since = first.Stored
	needle := []byte(`"` + user.String() + `"`)
	seqs := func(m history.Stored) ([]uint64, bool) { return seqsOf(m.Data, needle, user, t.Receipts()) }
	for part, err := range history.Back(ctx, history.New(c, t.EventsStream()), history.Stretch{Subject: anyOutcome, Since: since}, seqs) {
		if err != nil {
			return o, err
		}
		for _, some := range part.Picked {
			o.Seqs = append(o.Seqs, some...)
		}
	}
	slices.Sort(o.Seqs)
	o.Seqs = slices.Compact(o.Seqs)
	slices.Reverse(o.Seqs)
	return o, nil
}

// seqsOf are the receipts of a message of events that name the user.
func seqsOf(message, needle []byte, user push.Uid, stream string) (seqs []uint64, ok bool) {
	if !bytes.Contains(message, needle) { // as nearly all
		return nil, false
	}
	note := func(e outcome.Event) {
		if e.Stream == stream && (slices.Contains(e.Users, user.String()) || slices.Contains(e.Untargeted, user.String())) {
			seqs = append(seqs, e.StreamSeq)
		}
	}
	for e := range outcome.ReadBrief(message) {
		note(e)
	}
	for e, err := range outcome.Read(message) {
		if err == nil {
			note(e)
		}
	}
	return seqs, len(seqs) > 0
}
