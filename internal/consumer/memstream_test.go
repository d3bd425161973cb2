package consumer_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
)

// memStream is a stream with one durable, in memory, that keeps time with the test's
// bubble: it redelivers after ackWait of silence or after a nak's delay, and counts
// deliveries as the broker does.
type memStream struct {
	ackErr  error // what acks return
	stream  string
	ackWait time.Duration

	mu      sync.Mutex
	items   []*item
	wake    chan struct{}
	gone    bool
	asked   int // pull requests
	naks    []time.Duration
	beats   int
	history []consumer.Origin // every delivery
	durable int               // how often it was made anew
}

type item struct {
	memStream *memStream
	data      []byte
	origin    consumer.Origin
	due       time.Time // when it may be delivered (again)
	acked     bool
	durable   int // which has delivered it last
}

func newMemStream(stream string, ackWait time.Duration) *memStream {
	return &memStream{stream: stream, ackWait: ackWait, wake: make(chan struct{})}
}

// add stores a message and returns its sequence. A zero origin makes it fresh.
func (s *memStream) add(data string, o consumer.Origin, delay time.Duration) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	o.Stream, o.Seq, o.Stored, o.Deliveries = s.stream, uint64(len(s.items)+1), now, 0
	if o.RootSeq == 0 {
		o.RootStream, o.RootSeq, o.Subject, o.First = o.Stream, o.Seq, "push.receipts", now
	}
	s.items = append(s.items, &item{memStream: s, data: []byte(data), origin: o, due: now.Add(delay)})
	s.changed()
	return o.Seq
}

// fill stores n fresh messages that share their data.
func (s *memStream) fill(n int, data []byte) {
	for range n {
		seq := s.add("", consumer.Origin{}, time.Hour)
		s.mu.Lock()
		s.items[seq-1].data, s.items[seq-1].due = data, time.Now()
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed()
}

// redeliver makes seq due again although it may be acked or in flight, as a broker
// does that has forgotten a moment of its past.
func (s *memStream) redeliver(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[seq-1]
	it.acked, it.due = false, time.Now()
	s.changed()
}

// deliveries sets how often seq has been delivered before.
func (s *memStream) deliveries(seq uint64, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[seq-1].origin.Deliveries = n
}

// orphan makes everything due that is in somebody's hands, as a broker does that
// starts again.
func (s *memStream) orphan() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.items {
		if !it.acked && it.origin.Deliveries > 0 {
			it.due = time.Now()
		}
	}
}

// renew makes the durable anew: it delivers again what is not acked, counts from 1, and
// ignores naks of what the one before it has delivered, as a broker does.
func (s *memStream) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable++
	for _, it := range s.items {
		if !it.acked {
			it.due, it.origin.Deliveries = time.Now(), 0
		}
	}
	s.changed()
}

// vanish deletes the stream underneath.
func (s *memStream) vanish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.changed()
}

func (s *memStream) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, it := range s.items {
		if !it.acked {
			n++
		}
	}
	return n
}

// out is how many bytes are in somebody's hands.
func (s *memStream) out() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, it := range s.items {
		if !it.acked && it.origin.Deliveries > 0 && it.due.After(time.Now()) {
			n += len(it.data)
		}
	}
	return n
}

// seen returns every delivery so far.
func (s *memStream) seen() []consumer.Origin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]consumer.Origin(nil), s.history...)
}

func (s *memStream) delays() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Duration(nil), s.naks...)
}

func (s *memStream) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *memStream) changed() { // holds mu
	close(s.wake)
	s.wake = make(chan struct{})
}

// Pull deals what is due out to the requests in turn, as a broker does.
func (s *memStream) Pull(ctx context.Context, n, bytes int, more consumer.More, take func(consumer.Message)) (got int, err error) {
	var requests []*request
	ask := func(n, bytes int) {
		s.mu.Lock()
		s.asked++
		s.mu.Unlock()
		requests = append(requests, &request{n: n, bytes: bytes, fresh: true})
	}
	refused := false
	for ask(n, bytes); len(requests) > 0; {
		r := requests[0]
		m, wait, wake, gone := s.next(r.bytes)
		switch {
		case gone:
			return got, consumer.ErrSourceGone
		case m == nil && wait == 0: // too large for it
			refused, requests = refused || r.fresh, requests[1:]
			continue
		case m != nil:
			got++
			if requests = requests[1:]; !r.dealt(m.Size()) {
				requests = append(requests, r)
			}
			take(m)
			if !refused {
				left, room := 0, 0
				for _, r := range requests {
					left, room = left+r.n, room+r.bytes
				}
				if n, bytes := more(left, room); n > 0 {
					ask(n, bytes)
				}
			}
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-wake:
		case <-ctx.Done():
			timer.Stop()
			return got, nil
		}
		timer.Stop()
	}
	if refused && got == 0 {
		return 0, consumer.ErrNoRoom
	}
	return got, nil
}

// request is a pull request to a memStream.
type request struct {
	n, bytes int
	fresh    bool
}

// dealt gives r a message of so many bytes, and reports whether it is over.
func (r *request) dealt(bytes int) bool {
	r.n, r.fresh = r.n-1, false
	if r.bytes == 0 {
		return r.n == 0
	}
	r.bytes -= bytes
	return r.n == 0 || r.bytes <= 0
}

// next takes the first due message if it has at most that many bytes, or says how long
// there will be none.
func (s *memStream) next(bytes int) (m *message, wait time.Duration, wake chan struct{}, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, wait := time.Now(), time.Hour
	for _, it := range s.items {
		switch {
		case it.acked:
		case it.due.After(now):
			wait = min(wait, it.due.Sub(now))
		case bytes > 0 && len(it.data) > bytes:
			return nil, 0, s.wake, s.gone
		default:
			it.due = now.Add(s.ackWait)
			it.origin.Deliveries++
			s.history = append(s.history, it.origin)
			it.durable = s.durable
			return &message{item: it, origin: it.origin, durable: s.durable}, 0, s.wake, s.gone
		}
	}
	return nil, wait, s.wake, s.gone
}

// message is one delivery of an item.
type message struct {
	item    *item
	origin  consumer.Origin
	durable int
}

func (m *message) Data() []byte             { return m.item.data }
func (m *message) Size() int                { return len(m.item.data) }
func (m *message) Origin() *consumer.Origin { o := m.origin; return &o }

func (m *message) Ack() error {
	m.item.memStream.mu.Lock()
	defer m.item.memStream.mu.Unlock()
	m.item.acked = true
	return m.item.memStream.ackErr
}

func (m *message) Nak(delay time.Duration) error {
	s := m.item.memStream
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.durable == m.item.durable {
		m.item.due = time.Now().Add(delay)
	}
	s.naks = append(s.naks, delay)
	s.changed()
	return nil
}

func (m *message) InProgress() error {
	m.item.memStream.mu.Lock()
	defer m.item.memStream.mu.Unlock()
	m.item.due = time.Now().Add(m.item.memStream.ackWait)
	m.item.memStream.beats++
	return nil
}

// stores is Scheduler and DeadLetters: retries go to the memStreams, letters
// into a map. refuse makes both fail, full is a limit on retries, cramped one on
// letters, and largest is how many bytes of a retry are stored at most, if it is set.
// Nothing of the receipt that is outsize is small enough.
type stores struct {
	retries, suspects *memStream

	mu      sync.Mutex
	refuse  error
	full    bool
	cramped bool
	largest int
	outsize uint64
	misfits int // tries to store something of it
	tries   int
	stored  []consumer.Retry
	letters map[string]letter
}

func (s *stores) Schedule(_ context.Context, r consumer.Retry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	switch {
	case s.refuse != nil:
		return s.refuse
	case s.full && !r.Last && r.Origin.Stream != s.retries.stream:
		return errNoStore
	case s.largest > 0 && len(r.Data) > s.largest, s.misfit(r.Origin.RootSeq):
		return consumer.ErrTooLarge
	}
	s.stored = append(s.stored, r)
	if r.Origin.Alone {
		s.suspects.add(string(r.Data), r.Origin, r.Delay)
	} else {
		s.retries.add(string(r.Data), r.Origin, r.Delay)
	}
	return nil
}

func (s *stores) Bury(_ context.Context, l deadletter.Letter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	if s.refuse != nil || s.cramped {
		return errNoStore
	}
	if s.misfit(l.StreamSeq) {
		return fmt.Errorf("%w: raise max_msg_size", consumer.ErrTooLarge)
	}
	s.letters[l.ID] = l
	return nil
}

// misfit reports whether seq is outsize, and counts it.
func (s *stores) misfit(seq uint64) bool { // holds mu
	if s.outsize == 0 || seq != s.outsize {
		return false
	}
	s.misfits++
	return true
}

// outgrow sets the receipt of which nothing is small enough; 0 is for none.
func (s *stores) outgrow(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outsize = seq
}

// attempts is how often something of an outsize receipt was to be stored.
func (s *stores) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.misfits
}

func (s *stores) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// limit sets whether retries have reached their limit, and letters theirs.
func (s *stores) limit(retries, letters bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full, s.cramped = retries, letters
}

func (s *stores) scheduled() []consumer.Retry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]consumer.Retry(nil), s.stored...)
}

func (s *stores) buried() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []letter
	for l := range maps.Values(s.letters) {
		all = append(all, l)
	}
	return all
}

type letter = deadletter.Letter

// clear begins a new incarnation of the stream: sequences start again at 1.
func (s *memStream) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = nil
}
