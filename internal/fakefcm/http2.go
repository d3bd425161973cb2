package fakefcm

import (
	"bufio"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/pushworker/pushworker/internal/fakefcm/h2"
)

// maxBody is the largest request body in bytes, far above what FCM takes.
const maxBody = 1 << 20

// serveH2 serves HTTP/2 until the connection ends.
func (s *Server) serveH2(p *peer, buffer *bufio.Reader) {
	c := h2.New(p.nc, buffer, &h2.Config{
		Handle: func(st *h2.Stream) { s.onStream(p, st) }, MaxStreams: s.options.MaxStreams, MaxBody: maxBody,
		Opened: s.counters.opened, Closed: s.counters.closed,
	})
	p.h2.Store(c)
	_ = c.Serve() // what a client does wrong is answered to the client
}

// onStream decides about a request and answers when it is time to.
func (s *Server) onStream(p *peer, st *h2.Stream) {
	path, query, _ := strings.Cut(st.Path, "?")
	v := s.handle(&call{
		now: time.Now(), method: st.Method, path: path, query: query,
		auth: st.Header("authorization"), contentType: st.Header("content-type"), client: st.Header("x-firebase-client"),
		body: st.Body, conn: p.id, connNth: p.requests.Add(1), stream: st.ID,
	})
	if v.delay <= 0 {
		deliverH2(st, &v)
		return
	}
	time.AfterFunc(v.delay, func() {
		deliverH2(st, &v)
		st.Conn().Flush()
	})
}

func deliverH2(st *h2.Stream, v *verdict) {
	switch v.fate {
	case fateGoAway:
		st.Conn().GoAway()
		answerH2(st, v)
	case fateAnswer:
		answerH2(st, v)
	case fateStall:
	case fateReset:
		st.Reset(http2.ErrCodeInternal)
	case fateRefuse:
		st.Reset(http2.ErrCodeRefusedStream)
	case fateClose:
		st.Conn().Close()
	case fateCut:
		st.Conn().Abort()
	case fateFreeze:
		st.Conn().Freeze()
	}
}

func answerH2(st *h2.Stream, v *verdict) {
	var room [5]h2.Field
	fields := append(room[:0],
		h2.Field{Name: "content-type", Value: v.contentType},
		h2.Field{Name: "date", Value: time.Now().UTC().Format(http.TimeFormat)},
		h2.Field{Name: "server", Value: serverName})
	if v.retryAfter != "" {
		fields = append(fields, h2.Field{Name: "retry-after", Value: v.retryAfter})
	}
	if v.challenge {
		fields = append(fields, h2.Field{Name: "www-authenticate", Value: challenge})
	}
	st.Answer(v.status, fields, v.body)
}

const (
	serverName = "pushworker-fakefcm"
	challenge  = `Bearer realm="https://accounts.google.com/", error="invalid_token"`
)
