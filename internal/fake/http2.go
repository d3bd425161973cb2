package fake

import (
	"bufio"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/internal/fake/h2"
)

// maxBody is the largest request body in bytes, far above what any provider takes.
const maxBody = 1 << 20

// serveH2 serves HTTP/2 until the connection ends.
func (s *Server) serveH2(p *peer, buffer *bufio.Reader) {
	c := h2.New(p.nc, buffer, &h2.Config{
		Handle: func(st *h2.Stream) { s.onStream(p, st) }, MaxStreams: s.firstStreams(), MaxBody: maxBody,
		Opened: s.counters.opened, Closed: s.counters.closed,
		Lost: func(n int) { s.counters.unanswered.Add(int64(n)) },
	})
	p.farewell = s.kind.Farewell
	p.h2.Store(c)
	_ = c.Serve() // what a client does wrong is answered to the client
}

// firstStreams is how many streams a new connection may have.
func (s *Server) firstStreams() uint32 {
	if s.kind.FirstStreams > 0 {
		return min(s.kind.FirstStreams, s.MaxStreams())
	}
	return s.MaxStreams()
}

// onStream decides about a request and answers when it is time to.
func (s *Server) onStream(p *peer, st *h2.Stream) {
	path, query, _ := strings.Cut(st.Path, "?")
	v := s.handle(&Call{
		Now: time.Now(), Method: st.Method, Path: path, Query: query, Header: st.Header,
		Body: st.Body, Conn: p.id, ConnNth: p.requests.Add(1), Stream: st.ID,
	})
	if v.accepted > 0 {
		st.Owe(v.accepted)
	}
	if v.Delay <= 0 {
		s.deliverH2(st, &v)
		return
	}
	time.AfterFunc(v.Delay, func() {
		s.deliverH2(st, &v)
		st.Conn().Flush()
	})
}

func (s *Server) deliverH2(st *h2.Stream, v *Verdict) {
	switch v.Fate {
	case FateGoAway:
		st.Conn().GoAway(s.kind.Farewell)
		s.answerH2(st, v)
	case FateAnswer:
		s.answerH2(st, v)
	case FateStall:
	case FateReset:
		st.Reset(http2.ErrCodeInternal)
	case FateRefuse:
		st.Reset(http2.ErrCodeRefusedStream)
	case FateClose:
		st.Conn().Close()
	case FateCut:
		st.Conn().Abort()
	case FateFreeze:
		st.Conn().Freeze()
	}
}

func (s *Server) answerH2(st *h2.Stream, v *Verdict) {
	var room [6]h2.Field
	fields := append(room[:0],
		h2.Field{Name: "content-type", Value: v.ContentType},
		h2.Field{Name: "date", Value: time.Now().UTC().Format(http.TimeFormat)},
		h2.Field{Name: "server", Value: s.server})
	if v.RetryAfter != "" {
		fields = append(fields, h2.Field{Name: "retry-after", Value: v.RetryAfter})
	}
	st.Answer(v.Status, append(fields, v.Header...), v.Body)
}
