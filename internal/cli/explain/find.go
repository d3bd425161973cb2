package explain

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/cli/app"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/pkg/push"
)

// search finds a user's receipts, the newest first: by reading them back from the last
// one, for a bounded time, and by what is recorded of outcomes beyond that.
type search struct {
	conn     *broker.Conn
	topology topology.Topology
	limits   push.Limits
	options  explainOptions
	app      command
	needles  [][]byte
	// others counts receipts that name the user, but are of another topic or message.
	others atomic.Int64
	// from is the first sequence that was looked at, and reached when it was stored.
	from    uint64
	reached time.Time
	// shown is reached, for those who watch the search.
	shown atomic.Int64
	// complete says that no receipt was left out.
	complete bool
}

// find returns the receipts, the newest first.
func (s *search) find(ctx context.Context) ([]explain.Receipt, error) {
	user := s.options.user
	s.needles = [][]byte{[]byte(user.String()), []byte(strconv.FormatUint(uint64(user), 10)), []byte(`\u`)}
	want := s.options.limit
	if s.options.single() {
		want = 1
	}
	known, err := events.OfUser(ctx, s.conn, s.topology, user, s.options.since.Time)
	if err != nil {
		return nil, err
	}
	floor, err := s.recordedBelow(ctx, known)
	if err != nil {
		return nil, err
	}
	found, err := s.backwards(ctx, want, floor)
	if err == nil {
		found, err = s.recorded(ctx, known, want, found)
	}
	if err != nil {
		return nil, err
	}
	return found[:min(want, len(found))], nil
}

// recorded adds to found the receipts that outcomes name and that were not looked at,
// the newest first, until there are as many as wanted.
func (s *search) recorded(ctx context.Context, known events.Outcomes, want int, found []explain.Receipt) ([]explain.Receipt, error) {
	for _, seq := range known.Seqs {
		if len(found) >= want {
			break
		}
		if seq >= s.from {
			continue // it was looked at
		}
		m, err := history.New(s.conn, s.topology.Stream).Get(ctx, seq)
		if err != nil && !errors.Is(err, history.ErrNotStored) {
			return nil, err
		}
		if receipt, matches := s.read(m); err == nil && matches {
			found = append(found, receipt)
		}
	}
	return found, nil
}

// floor is below which sequence, and since when, all outcomes are recorded, so that
// there is no need to read receipts.
type floor struct {
	seq   uint64
	since time.Time // zero for never
}

// recordedBelow finds the floor: every lane has settled what is below.
func (s *search) recordedBelow(ctx context.Context, known events.Outcomes) (floor, error) {
	lanes, err := status.LaneFacts(ctx, s.conn, s.topology)
	if err != nil {
		return floor{}, err
	}
	f := floor{since: known.Since}
	for i, lane := range lanes {
		if i == 0 || lane.Settled < f.seq {
			f.seq = lane.Settled
		}
	}
	return f, nil
}

// backwards reads receipts from the last one back, until there are enough, the time is
// over or the floor is reached.
func (s *search) backwards(ctx context.Context, want int, f floor) (found []explain.Receipt, err error) {
	began := time.Now()
	s.complete = true
	s.shown.Store(began.Unix())
	shown := s.app.Show(&app.Progress{Total: -1, Line: func() string {
		return "searched receipts back to " + time.Unix(s.shown.Load(), 0).UTC().Format(time.RFC3339)
	}})
	defer shown.Stop()
	for part, err := range history.Back(ctx, history.New(s.conn, s.topology.Stream), history.Stretch{Since: s.options.since.Time}, s.pick) {
		if err != nil {
			return nil, err
		}
		found = append(found, part.Picked...)
		s.lookedAt(part)
		if len(found) >= want || f.covers(part) {
			return found, nil
		}
		if bound := time.Duration(s.options.search); bound > 0 && time.Since(began) >= bound {
			s.complete = false
			return found, nil
		}
	}
	s.from = 0 // there is nothing before
	return found, nil
}

// lookedAt notes how far back the search is.
func (s *search) lookedAt(part history.Part[explain.Receipt]) {
	s.from = part.From
	if !part.First.IsZero() {
		s.reached = part.First
		s.shown.Store(part.First.Unix())
	}
}

// covers reports whether the outcomes of all receipts before part are recorded.
func (f floor) covers(part history.Part[explain.Receipt]) bool {
	return part.From <= f.seq && !f.since.IsZero() && part.First.After(f.since)
}

// pick is read for those receipts that may name the user.
func (s *search) pick(m history.Stored) (explain.Receipt, bool) {
	if !s.mayName(m.Data) {
		return explain.Receipt{}, false
	}
	return s.read(m)
}

// mayName reports whether a receipt may name the user: most do not, and decoding
// them all would take long.
func (s *search) mayName(data []byte) bool {
	return slices.ContainsFunc(s.needles, func(n []byte) bool { return bytes.Contains(data, n) })
}

// read reads a receipt and reports whether it is one that is looked for.
func (s *search) read(m history.Stored) (out explain.Receipt, matches bool) {
	out = explain.Receipt{Stream: s.topology.Stream, Seq: m.Seq, Subject: m.Subject, Published: m.Time, Users: []string{}}
	r, _, err := push.Decode(m.Data, s.limits)
	if err != nil {
		out.Unreadable = err.Error()
		return out, false
	}
	for user := range r.To {
		out.Users = append(out.Users, user.String())
	}
	slices.Sort(out.Users)
	p := r.Payload
	out.What, out.Topic, out.TopicSeq, out.From, out.Channel = p.What, p.Topic, p.SeqId, p.From, r.Channel
	o := s.options
	if !(replay.Filter{User: o.user}).Matches(r) {
		return out, false
	}
	matches = replay.Filter{Topic: o.topic}.Matches(r) && (o.topicSeq == 0 || o.topicSeq == p.SeqId)
	if !matches {
		s.others.Add(1)
	}
	return out, matches
}
