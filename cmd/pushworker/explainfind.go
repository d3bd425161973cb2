package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pushworker/pushworker/config"
	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/explain"
	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// stride is how many receipts are read at a time on the way back.
	stride = 8192
	// lookEvery is how often a search says how far it is.
	sayEvery = time.Second
)

// search finds a user's receipts, the newest first.
type search struct {
	conn     *broker.Conn
	topology broker.Topology
	limits   push.Limits
	options  explainOptions
	app      *app
	needles  [][]byte
	// others counts receipts that name the user, but are of another topic or message.
	others int
}

func receiptLimits(c *config.Config) push.Limits {
	return push.Limits{MaxBytes: int(c.MaxReceiptBytes), MaxDepth: c.MaxDepth, MaxKeys: c.MaxKeys, MaxRecipients: c.MaxRecipients}
}

// backwards reads stretch after stretch from the end, until there are enough.
func (s *search) backwards(ctx context.Context) ([]explain.Receipt, error) {
	user := s.options.user
	s.needles = [][]byte{[]byte(user.String()), []byte(strconv.FormatUint(uint64(user), 10)), []byte(`\u`)}
	oldest, last, err := s.conn.Ends(ctx, s.topology)
	if err != nil {
		return nil, err
	}
	want := s.options.limit
	if s.options.single() {
		want = 1
	}
	var all []explain.Receipt
	told := time.Now()
	for to := last; to >= oldest && to > 0 && len(all) < want; {
		from := max(1, to-min(to, stride)+1)
		found, more, err := s.stretch(ctx, from, to)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		if !more || from <= oldest {
			break
		}
		to = from - 1
		if now := time.Now(); now.Sub(told) >= sayEvery && s.app.isTerminal(s.app.stderr) {
			told = now
			_, _ = fmt.Fprintf(s.app.stderr, "\rlooked at %d of %d receipts", last-to, last)
			defer fmt.Fprint(s.app.stderr, "\r\x1b[K") //nolint:errcheck // a human who cannot be told is no reason to stop
		}
	}
	return all[:min(want, len(all))], nil
}

// stretch returns what is found between two sequences, the newest first. more says
// that what comes before may be young enough, too; a stretch of which everything was
// erased says nothing about that.
func (s *search) stretch(ctx context.Context, from, to uint64) (found []explain.Receipt, more bool, err error) {
	first := true
	for m, err := range s.conn.History(s.topology.Stream).Read(ctx, broker.Stretch{From: from, To: to}) {
		if err != nil {
			return nil, false, err
		}
		if first {
			first, more = false, !m.Time.Before(s.options.since.Time)
		}
		if m.Time.Before(s.options.since.Time) || !s.mayName(m.Data) {
			continue
		}
		if receipt, matches := s.read(m); matches {
			found = append(found, receipt)
		}
	}
	slices.Reverse(found)
	return found, more || first, nil
}

// mayName reports whether a receipt may name the user: most do not, and decoding
// them all would take long.
func (s *search) mayName(data []byte) bool {
	return slices.ContainsFunc(s.needles, func(n []byte) bool { return bytes.Contains(data, n) })
}

// read reads a receipt and reports whether it is one that is looked for.
func (s *search) read(m broker.Stored) (out explain.Receipt, matches bool) {
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
		s.others++
	}
	return out, matches
}
