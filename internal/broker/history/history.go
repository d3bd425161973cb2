// Package history reads what a stream has stored, forwards and backwards, by direct gets
// only. It refuses to know what the messages are, and touches no consumer.
package history

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

// ErrNotStored says that a stream has no message with that sequence: it was never
// written, or has been deleted, or has expired.
var ErrNotStored = errors.New("no such message is stored")

// Stored is a message as a stream keeps it. All of it belongs to the reader.
type Stored struct {
	Seq     uint64
	Subject string
	// Time is when the broker stored it.
	Time time.Time
	// Header holds the headers as they were published, those of the broker's and of
	// our own among them; nil when there are none.
	Header map[string][]string
	Data   []byte
}

// Published is what the publisher of a receipt has said beside it.
func (s Stored) Published() wire.Published {
	return wire.ReadPublished(s.Header)
}

// Stretch is a part of a stream. A zero value is no bound.
type Stretch struct {
	// Subject selects by subject, with the broker's wildcards; empty means all.
	Subject string
	// From and To are the first and the last sequence.
	From, To uint64
	// Since is the earliest time at which a message was stored, Until the time before
	// which it was.
	Since, Until time.Time
}

// History reads what a stream has stored, by direct gets only: it makes no consumer
// and touches none.
type History struct {
	conn   *broker.Conn
	stream string
}

// New returns the history of a stream, which need not exist yet.
func New(c *broker.Conn, stream string) *History { return &History{c, stream} }

// Get returns the message with sequence seq, or an error wrapping [ErrNotStored].
func (h *History) Get(ctx context.Context, seq uint64) (Stored, error) {
	if seq == 0 { // the broker numbers from 1
		return Stored{}, fmt.Errorf("%w: stream %s has no sequence 0", ErrNotStored, h.stream)
	}
	m, err := h.getOne(ctx, oneQuestion{Seq: seq})
	if errors.Is(err, ErrNotStored) {
		return Stored{}, fmt.Errorf("%w: stream %s has no sequence %d", ErrNotStored, h.stream, seq)
	}
	return m, err
}

// Bounds turns a stretch into the sequences of what it has now: all of its messages
// are from first to last. It has none when first is greater. The broker looks times
// up, whatever lies before them; where its clock was set back, it takes the first
// message that fits.
func (h *History) Bounds(ctx context.Context, s Stretch) (first, last uint64, err error) {
	subject := cmp.Or(s.Subject, ">")
	end, err := h.end(ctx, subject)
	switch {
	case errors.Is(err, ErrNotStored):
		return 1, 0, nil
	case err != nil:
		return 0, 0, err
	}
	first, last = max(1, s.From), end.Seq
	if s.To > 0 {
		last = min(last, s.To)
	}
	if !s.Since.IsZero() {
		first, err = h.since(ctx, s.Since, subject, first, last+1)
	}
	if err == nil && !s.Until.IsZero() {
		var beyond uint64
		beyond, err = h.since(ctx, s.Until, subject, 1, last+1)
		last = min(last, beyond-1)
	}
	return first, last, err
}

// end is the last message on subject.
//
// Asked for the last one of all subjects, the broker looks at the last sequence it
// has given, and finds nothing when that message was deleted or, in the stream of
// retries, settled. Asked with any other wildcard it looks for what there is.
func (h *History) end(ctx context.Context, subject string) (last Stored, err error) {
	last, err = h.getOne(ctx, oneQuestion{Last: subject})
	if subject != ">" || !errors.Is(err, ErrNotStored) {
		return last, err
	}
	last, err = h.getOne(ctx, oneQuestion{Last: "*.>"})
	if err != nil && !errors.Is(err, ErrNotStored) {
		return last, err
	}
	short, err2 := h.getOne(ctx, oneQuestion{Last: "*"})
	if errors.Is(err2, ErrNotStored) || err2 == nil && short.Seq < last.Seq {
		return last, err
	}
	return short, err2
}

// since is the first sequence since t, at least low; none when there is no such.
func (h *History) since(ctx context.Context, t time.Time, subject string, low, none uint64) (uint64, error) {
	m, err := h.getOne(ctx, oneQuestion{StartTime: &t, Next: subject})
	if errors.Is(err, ErrNotStored) {
		return none, nil
	}
	return max(m.Seq, low), err
}

// Read yields the messages of a stretch that are stored when it begins, oldest first,
// and stops after the first error. A message that is deleted meanwhile may be
// missing; any other gap is an error.
func (h *History) Read(ctx context.Context, s Stretch) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		first, last, err := h.Bounds(ctx, s)
		if err != nil {
			yield(Stored{}, err)
			return
		}
		if first <= last {
			r := reading{history: h, subject: cmp.Or(s.Subject, ">"), last: last}
			r.run(ctx, first, yield)
		}
	}
}

// oneQuestion asks for one message.
type oneQuestion struct {
	Seq       uint64     `json:"seq,omitempty"`
	Last      string     `json:"last_by_subj,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"`
	Next      string     `json:"next_by_subj,omitempty"`
}

// getOne returns [ErrNotStored] alone when there is no such message.
func (h *History) getOne(ctx context.Context, question oneQuestion) (Stored, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return Stored{}, fmt.Errorf("encoding a question to stream %s: %w", h.stream, err)
	}
	var m *nats.Msg
	err = h.conn.Ask(ctx, h.subject(), func(ctx context.Context) error {
		m, err = h.conn.NATS().RequestWithContext(ctx, h.conn.Subject(h.subject()), body)
		return err
	})
	if err != nil {
		return Stored{}, h.explain(err)
	}
	if broker.LastOf(m.Header, jetstream.SequenceHeader) != "" {
		return readStored(m, false)
	}
	if broker.Hidden(m) {
		return Stored{}, h.explain(fmt.Errorf("message asked for by %s: %w", body, broker.ErrHidden))
	}
	if status := m.Header.Get("Status"); status != "404" {
		return Stored{}, h.explain(fmt.Errorf("the broker answers %s %s", status, m.Header.Get("Description")))
	}
	return Stored{}, ErrNotStored
}

func (h *History) subject() string { return "$JS.API.DIRECT.GET." + h.stream }

// explain says what to do about an error.
func (h *History) explain(err error) error {
	if errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("reading stream %s: %w: it is missing, or does not allow direct gets; run `pushworker provision`", h.stream, err)
	}
	return fmt.Errorf("reading stream %s: %w", h.stream, err)
}

// readStored takes a message of an answer apart, without the headers that the broker
// has added for the answer; they are more if it is one of many.
func readStored(m *nats.Msg, ofMany bool) (Stored, error) {
	s := Stored{Subject: broker.LastOf(m.Header, jetstream.SubjectHeader), Data: m.Data}
	var err error
	if s.Seq, err = strconv.ParseUint(broker.LastOf(m.Header, jetstream.SequenceHeader), 10, 64); err != nil {
		return s, fmt.Errorf("reading the sequence of a stored message: %w", err)
	}
	if s.Time, err = time.Parse(time.RFC3339Nano, broker.LastOf(m.Header, jetstream.TimeStampHeaer)); err != nil {
		return s, fmt.Errorf("reading the time of stored message %d: %w", s.Seq, err)
	}
	added := []string{
		jetstream.StreamHeader, jetstream.SubjectHeader, jetstream.SequenceHeader, jetstream.TimeStampHeaer,
		"Nats-Num-Pending", "Nats-Last-Sequence",
	}
	if !ofMany {
		added = added[:4]
	}
	if bare(m.Header, added) { // as nearly all are
		return s, nil
	}
	for _, name := range added {
		if values := m.Header[name]; len(values) > 1 {
			m.Header[name] = values[:len(values)-1]
		} else {
			delete(m.Header, name)
		}
	}
	if len(m.Header) > 0 {
		s.Header = m.Header
	}
	return s, nil
}

// bare reports whether h has nothing but what was added.
func bare(h nats.Header, added []string) bool {
	for _, name := range added {
		if len(h[name]) != 1 {
			return false
		}
	}
	return len(h) == len(added)
}
