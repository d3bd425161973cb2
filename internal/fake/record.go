package fake

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Request is one push and what became of it.
type Request struct {
	// Time is when it was complete, Number counts up from 1.
	Time   time.Time
	Number uint64
	// Conn is the number of its connection, Stream its HTTP/2 stream, 0 for
	// HTTP/1.1.
	Conn   uint64
	Stream uint32
	// Project is on whose behalf it is sent, Client what the sender calls itself, and
	// Body as sent. Body must not be changed.
	Project, Client string
	Body            []byte
	// Header has what else tells about the push.
	Header map[string]string
	// Target is whom it is for; empty when the message was not understood. Nth counts
	// the requests for it.
	Target string
	Nth    int64
	// DryRun says that it asks only whether it would be taken.
	DryRun bool
	// Rule is the name of the rule that decided, empty for none.
	Rule string
	// Answer is the name of the answer, Status its code (0 when there was none), ID
	// the id of an accepted message.
	Answer string
	Status int
	ID     string
	// RetryAfter is the header of that name as sent; empty for none.
	RetryAfter string
	// Subscribers are the targets that get it when Target is a topic.
	Subscribers []string
	// Accepted says that the message was taken, whether or not the sender was told.
	Accepted bool
}

// Request begins the record of a push.
func (c *Call) Request() Request {
	return Request{Time: c.Now, Conn: c.Conn, Stream: c.Stream, Body: c.Body}
}

// memory keeps the last requests. A request takes a slot of its own, so that
// requests don't wait for each other.
type memory struct {
	number atomic.Uint64
	slots  []slot
}

type slot struct {
	sync.Mutex
	r Request
}

func (m *memory) keep(r *Request) {
	r.Number = m.number.Add(1)
	if len(m.slots) == 0 {
		return
	}
	s := &m.slots[r.Number%uint64(len(m.slots))]
	s.Lock()
	defer s.Unlock()
	if r.Number > s.r.Number {
		s.r = *r
	}
}

func (m *memory) reset() {
	for i := range m.slots {
		s := &m.slots[i]
		s.Lock()
		s.r = Request{}
		s.Unlock()
	}
}

func (m *memory) list() []Request {
	var all []Request
	for i := range m.slots {
		s := &m.slots[i]
		s.Lock()
		if s.r.Number > 0 {
			all = append(all, s.r)
		}
		s.Unlock()
	}
	slices.SortFunc(all, func(a, b Request) int { return int(a.Number) - int(b.Number) }) //nolint:gosec // a count
	return all
}

// audience is who is told of requests; usually nobody.
type audience struct {
	mu   sync.Mutex
	subs atomic.Pointer[[]chan Request]
}

func (a *audience) tell(r *Request, missed *atomic.Int64) {
	subs := a.subs.Load()
	if subs == nil {
		return
	}
	for _, c := range *subs {
		select {
		case c <- *r:
		default:
			missed.Add(1)
		}
	}
}

func (a *audience) join(c chan Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var subs []chan Request
	if old := a.subs.Load(); old != nil {
		subs = slices.Clone(*old)
	}
	subs = append(subs, c)
	a.subs.Store(&subs)
}

func (a *audience) leave(c chan Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	subs := slices.DeleteFunc(slices.Clone(*a.subs.Load()), func(other chan Request) bool { return other == c })
	if len(subs) == 0 {
		a.subs.Store(nil)
		return
	}
	a.subs.Store(&subs)
}

// Subscribe delivers requests from now on, until stop is called, once; the
// channel is never closed. A request that finds the channel full is counted in
// [Stats.Missed] and not delivered: the server waits for nobody.
func (s *Server) Subscribe(buffer int) (requests <-chan Request, stop func()) {
	c := make(chan Request, buffer) // as large as the caller wants to be late
	s.audience.join(c)
	return c, sync.OnceFunc(func() { s.audience.leave(c) })
}

// Await waits until the counters satisfy done, looking at them after every
// push.
func (s *Server) Await(ctx context.Context, done func(Stats) bool) error {
	c := make(chan Request, 1)
	s.audience.join(c)
	defer s.audience.leave(c)
	for !done(s.Stats()) {
		select {
		case <-c:
		case <-ctx.Done():
			return fmt.Errorf("await requests: %w; the counters stand at %+v", ctx.Err(), s.Stats())
		}
	}
	return nil
}

// Requests returns the last requests, oldest first, at most [Options.Keep].
func (s *Server) Requests() []Request { return s.memory.list() }
