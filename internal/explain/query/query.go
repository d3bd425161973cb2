// Package query finds the receipts that are to be explained, and asks the broker for
// what is known of them. It refuses to know how their story is told (internal/explain)
// and who reads it. What is lost at its border: a receipt that has been deleted, and
// what the time for the search did not suffice for; the answer says so.
package query

import (
	"context"
	"errors"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/pkg/push"
)

// Query says which receipts are to be explained.
type Query struct {
	Conn     *broker.Conn
	Topology topology.Topology
	// Limits bound a receipt.
	Limits push.Limits
	// User is one of those addressed, and whose story it is; zero, which is for Get
	// alone, is for that of all.
	User push.Uid
	// Topic is the conversation or channel, and TopicSeq the message there; zero for
	// any.
	Topic    string
	TopicSeq int
	// Since is how far to look back, and Limit how many receipts to find at most.
	Since time.Time
	Limit int
	// For is how long to read receipts; 0 is no bound.
	For time.Duration
	// Reached, if it is set, is told how far back receipts were read.
	Reached func(time.Time)
}

// Get returns the receipt with this sequence, of the first stream of receipts. The error wraps [history.ErrNotStored] if
// there is none.
func (q Query) Get(ctx context.Context, seq uint64) (explain.Receipt, error) {
	stored, err := history.New(q.Conn, q.Topology.Receipts()).Get(ctx, seq)
	if err != nil {
		return explain.Receipt{}, err
	}
	receipt, _ := (&search{Query: q}).read(stored)
	return receipt, nil
}

func (q Query) facts(ctx context.Context, receipts []explain.Receipt) (f explain.Facts, err error) {
	f.User, f.Asked = q.User, time.Now()
	seqs, earliest := make([]uint64, len(receipts)), receipts[len(receipts)-1].Published
	for i, r := range receipts {
		seqs[i] = r.Seq
	}
	// In the order in which receipts move, so that one that moves meanwhile is not
	// missed: whoever leaves the retries becomes a letter or an event.
	if f.Lanes, err = status.LaneFacts(ctx, q.Conn, q.Topology); err != nil {
		return f, err
	}
	q.addSubscriptions(ctx, f.Lanes)
	for r, err := range status.RetryFacts(ctx, q.Conn, q.Topology) {
		if err != nil {
			return f, err
		}
		f.Retries = append(f.Retries, r)
	}
	for l, err := range letters.New(q.Conn, q.Topology).List(ctx, letters.Filter{Since: earliest}) {
		if err != nil {
			return f, err
		}
		f.Letters = append(f.Letters, l)
	}
	err = q.addEvents(ctx, &f, earliest, seqs)
	return f, err
}

// addSubscriptions adds how it stands with channels, as far as that may be read.
func (q Query) addSubscriptions(ctx context.Context, lanes []explain.Lane) {
	leases, _ := channels.Leases(ctx, q.Conn) // without them less is told
	for i := range lanes {
		l, subscribes := leases[lanes[i].Handler]
		lanes[i].Subscribes, lanes[i].Waiting = subscribes, l.Waiting
	}
}

// addEvents adds what is recorded, if anything is.
func (q Query) addEvents(ctx context.Context, f *explain.Facts, since time.Time, seqs []uint64) (err error) {
	for e, err := range events.Facts(ctx, q.Conn, q.Topology, since, seqs...) {
		if errors.Is(err, events.ErrNoStream) {
			f.NoEvents = true
			return nil
		}
		if err != nil {
			return err
		}
		f.Events = append(f.Events, e)
	}
	f.EventsSince, err = events.First(ctx, q.Conn, q.Topology)
	return err
}
