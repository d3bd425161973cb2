package query

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/history"
	"github.com/pushworker/pushworker/internal/broker/status"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/internal/tracing"
	"github.com/pushworker/pushworker/pkg/push"
)

// Found are the receipts that were found.
type Found struct {
	// Receipts are at most as many as were wanted, the newest first.
	Receipts []explain.Receipt
	// Others counts receipts that name the user, but are of another topic or message.
	Others int64
	// Complete says that none was left out. If not, those before Reached were not read.
	Complete bool
	Reached  time.Time
}

// find is Find in one stream of receipts.
func (q Query) find(ctx context.Context) (Found, error) {
	user := q.User
	s := search{Query: q, began: time.Now(), complete: true, needles: [][]byte{[]byte(user.String()), []byte(strconv.FormatUint(uint64(user), 10)), []byte(`\u`)}}
	known, err := events.OfUser(ctx, q.Conn, q.Topology, user, q.Since)
	if err != nil {
		return Found{}, err
	}
	floor, err := s.recordedBelow(ctx, known)
	if err != nil {
		return Found{}, err
	}
	found, covered, err := s.backwards(ctx, history.Stretch{Since: q.Since}, floor)
	if err == nil {
		found, err = s.recorded(ctx, known, found)
	}
	if err == nil && covered {
		s.known = known.Seqs
		found, err = s.older(ctx, floor, found)
	}
	if err != nil {
		return Found{}, err
	}
	of := Found{Receipts: found[:min(q.Limit, len(found))], Others: s.others.Load(), Complete: s.complete}
	if !s.complete {
		of.Reached = s.reached
	}
	return of, nil
}

// search is one search.
type search struct {
	Query

	began   time.Time
	needles [][]byte
	known   []uint64     // those that need not be read again
	others  atomic.Int64 // see [Found]
	// from is the first sequence that was looked at, and reached when it was stored.
	from     uint64
	reached  time.Time
	complete bool
}

// recorded adds to found the receipts that outcomes name and that were not looked at,
// the newest first, until there are as many as wanted.
func (s *search) recorded(ctx context.Context, known events.Outcomes, found []explain.Receipt) ([]explain.Receipt, error) {
	for _, seq := range known.Seqs {
		if len(found) >= s.Limit {
			break
		}
		if seq >= s.from {
			continue // it was looked at
		}
		m, err := history.New(s.Conn, s.Topology.Receipts()).Get(ctx, seq)
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
	lanes, err := status.LaneFacts(ctx, s.Conn, s.Topology)
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

// backwards reads receipts from the last one of a stretch back, until there are enough,
// the time is over or the floor covers what is before; without a bound on the time it reads
// them all.
func (s *search) backwards(ctx context.Context, in history.Stretch, f floor) (found []explain.Receipt, covered bool, err error) {
	for part, err := range history.Back(ctx, history.New(s.Conn, s.Topology.Receipts()), in, s.pick) {
		if err != nil {
			return nil, false, err
		}
		found = append(found, part.Picked...)
		s.lookedAt(part)
		switch {
		case len(found) >= s.Limit:
			return found, false, nil
		case s.For <= 0:
		case f.covers(part):
			return found, true, nil
		case time.Since(s.began) >= s.For:
			s.complete = false
			return found, false, nil
		}
	}
	s.from = 0 // there is nothing before
	return found, false, nil
}

// older adds the receipts from before the record begins, of which it knows only those that
// were settled later.
func (s *search) older(ctx context.Context, f floor, found []explain.Receipt) ([]explain.Receipt, error) {
	if len(found) >= s.Limit {
		return found, nil
	}
	before, _, err := s.backwards(ctx, history.Stretch{Since: s.Since, Until: f.since}, floor{})
	found = append(found, before...)
	slices.SortFunc(found, func(a, b explain.Receipt) int { return cmp.Compare(b.Seq, a.Seq) })
	return found, err
}

// lookedAt notes how far back the search is.
func (s *search) lookedAt(part history.Part[explain.Receipt]) {
	s.from = part.From
	if !part.First.IsZero() {
		s.reached = part.First
		if s.Reached != nil {
			s.Reached(part.First)
		}
	}
}

// covers reports whether the outcomes of all receipts before part are recorded.
func (f floor) covers(part history.Part[explain.Receipt]) bool {
	return part.From <= f.seq && !f.since.IsZero() && part.First.After(f.since)
}

// pick is read for those receipts that may name the user.
func (s *search) pick(m history.Stored) (explain.Receipt, bool) {
	if !s.mayName(m.Data) || slices.Contains(s.known, m.Seq) {
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
	out = explain.Receipt{Stream: s.Topology.Receipts(), Seq: m.Seq, Subject: m.Subject, Published: m.Time, Users: []string{}, Trace: tracing.TraceID(m.Header)}
	r, _, err := push.Decode(m.Data, s.Limits)
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
	if !(replay.Filter{User: s.User}).Matches(r) {
		return out, false
	}
	matches = replay.Filter{Topic: s.Topic}.Matches(r) && (s.TopicSeq == 0 || s.TopicSeq == p.SeqId)
	if !matches {
		s.others.Add(1)
	}
	return out, matches
}
