package fake

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/fake/h2"
)

// A Call is a request without the protocol that brought it.
type Call struct {
	// Now is when it was complete.
	Now                 time.Time
	Method, Path, Query string
	// Header returns the value of the header with this lower-case name.
	Header func(name string) string
	Body   []byte
	// Conn is the number of its connection and ConnNth its own on that, from 1; Stream
	// is its HTTP/2 stream, 0 for HTTP/1.1.
	Conn    uint64
	ConnNth int64
	Stream  uint32
}

// A Verdict is what the protocol is to do about a call.
type Verdict struct {
	Fate        Fate
	Delay       time.Duration
	Status      int
	ContentType string
	RetryAfter  string
	Header      []h2.Field
	Body        []byte

	accepted int // pushes, whatever the sender is told
}

// answered reports whether the caller gets an answer.
func (v *Verdict) answered() bool { return v.Fate == FateAnswer || v.Fate == FateGoAway }

// handle decides about a call. It does not block.
func (s *Server) handle(c *Call) Verdict {
	if strings.HasPrefix(c.Path, "/fake/") {
		return s.admin(c)
	}
	return s.kind.Handle(c)
}

// Answer is the row of that name in the table of the kind's answers.
func (s *Server) Answer(name string) *Answer { return s.table.row(name) }

// Plain is an answer as the table has it.
func (s *Server) Plain(a *Answer) Verdict {
	v := Verdict{Fate: a.Fate, Delay: s.options.Latency, Status: a.Status, ContentType: a.ContentType, Header: a.Header, Body: a.bytes}
	if a.RetryAfter > 0 {
		v.RetryAfter = strconv.Itoa(a.RetryAfter)
	}
	return v
}

// JSON answers with a value that can be encoded.
func (s *Server) JSON(status int, value any) Verdict {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"not encodable"}`)
	}
	return Verdict{Fate: FateAnswer, Delay: s.options.Latency, Status: status, ContentType: TypeJSON, Body: body}
}

// ruled is the answer of a rule.
func (s *Server) ruled(now time.Time, r *rule, draw uint64) Verdict {
	v := s.Plain(r.answer)
	if r.Latency > 0 {
		v.Delay = time.Duration(r.Latency)
	}
	if r.ContentType != "" {
		v.ContentType = r.ContentType
	}
	switch after := r.RetryAfter; {
	case after.None:
		v.RetryAfter = ""
	case after.Most > 0:
		seconds := after.Least + int(Mix(draw)%uint64(after.Most-after.Least+1)) //nolint:gosec // a small range
		v.RetryAfter = strconv.Itoa(seconds)
		if after.Date {
			v.RetryAfter = now.Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat)
		}
	}
	return v
}
