package h2post

import (
	"time"

	"golang.org/x/net/http2/hpack"
)

// Field is a header field. Its name is in lower case.
type Field struct{ Name, Value string }

// Head is what many requests share. It never changes: who has a new token makes a
// new one.
type Head struct {
	// Of is for who makes it.
	Of any

	path   string
	fields []Field
	size   uint32 // as HTTP/2 counts a list of fields
}

// NewHead makes a head. A request may bring a path of its own.
func NewHead(path string, fields ...Field) *Head {
	h := &Head{path: path, fields: fields}
	for _, f := range fields {
		h.size += sizeOf(f.Name, f.Value)
	}
	return h
}

func sizeOf(name, value string) uint32 { return hpack.HeaderField{Name: name, Value: value}.Size() }

// Request is one POST. It may be used again as soon as it is completed; until then
// nothing of it may change. It must not be copied.
type Request struct {
	Head *Head
	// Path is used instead of the head's, if it is not empty.
	Path string
	// Fields are sent after the head's, and no peer or proxy keeps them.
	Fields []Field
	Body   []byte
	// Deadline is until when there must be an answer; zero for Options.Timeout.
	Deadline time.Time
	// Latest is when the deadline is at the latest; zero for no bound.
	Latest time.Time
	// Done is called once: by any goroutine, perhaps before Post returns, and often by
	// the one that reads all other answers, so it must not block. The answer is part of
	// the request: it and what it holds stand until the request is posted again.
	Done func(*Answer)

	answer     Answer
	in         *list // that holds it
	prev, next *Request
	conn       *conn
	due        time.Time
	repeats    int
	flight     flight
	cancel     func(error) // of NetHTTP
}

// flight is the part of a request that belongs to its stream.
type flight struct {
	id       uint32
	end      uint64 // of its last byte, among all that the connection has written
	sent     int    // bytes of the body
	window   int64  // what the peer takes of the body at this moment
	received int64  // bytes of DATA frames
	length   int64  // of the answer, as its header says; -1 if it does not
}

// Outcome is what happened to a request.
type Outcome uint8

// The outcomes.
const (
	// Answered: there is a status.
	Answered Outcome = iota + 1
	// Unprocessed: the peer says that it has not looked at it, or has never seen it.
	Unprocessed
	// InDoubt: there is no answer, and the peer may have processed it.
	InDoubt
	// TimedOut: there was no answer in time, and the peer may have processed it.
	TimedOut
)

// Answer is what came of a request.
type Answer struct {
	Outcome Outcome
	Status  int
	// Body is at most 64 KiB long; what was beyond is lost.
	Body []byte
	// Err is why there is no status; nil if there is one.
	Err error
	// Head is what the request was sent with; nil if nothing of it was.
	Head *Head

	fields []hpack.HeaderField
	conn   *conn
}

// Retire has the connection that carried the request take no more. What is open on it
// is not hurt.
func (a *Answer) Retire() {
	if a.conn == nil {
		return
	}
	c := a.conn.client
	c.mu.Lock()
	defer c.unlock()
	if !a.conn.over {
		a.conn.drain()
	}
}

// Header returns the first value of a field, whose name is in lower case.
func (a *Answer) Header(name string) string {
	for i := range a.fields {
		if a.fields[i].Name == name {
			return a.fields[i].Value
		}
	}
	return ""
}

// keptBody is as large a buffer as a completed request keeps for its next answer.
const keptBody = 4 << 10

// reset makes r ready to be posted.
func (r *Request) reset(now time.Time, timeout time.Duration) {
	r.renew()
	r.answer.Outcome, r.answer.Err = 0, nil
	r.repeats, r.due = 0, r.Deadline
	if r.due.IsZero() {
		r.due = now.Add(timeout)
	}
	if !r.Latest.IsZero() && r.Latest.Before(r.due) {
		r.due = r.Latest
	}
}

// renew forgets the stream that r has had.
func (r *Request) renew() {
	body := r.answer.Body
	if cap(body) > keptBody {
		body = nil
	}
	clear(r.answer.fields)
	r.answer.Status, r.answer.Body, r.answer.fields = 0, body[:0], r.answer.fields[:0]
	r.answer.Head, r.answer.conn = nil, nil
	r.flight = flight{length: -1}
}
