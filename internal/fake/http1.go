package fake

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/sleep"
)

// peerKey finds the connection of an HTTP/1.1 request in its context.
type peerKey struct{}

func (s *Server) newHTTP1() *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP1),
		ReadHeaderTimeout: helloTimeout,
		ErrorLog:          log.New(io.Discard, "", 0), // a client's fault is answered to the client
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			if c, ok := nc.(*bufferedConn); ok {
				ctx = context.WithValue(ctx, peerKey{}, c.peer)
			}
			return ctx
		},
	}
}

// serveHTTP1 answers one HTTP/1.1 request.
func (s *Server) serveHTTP1(w http.ResponseWriter, r *http.Request) {
	p, ok := r.Context().Value(peerKey{}).(*peer)
	if !ok {
		panic(http.ErrAbortHandler) // every connection comes through the handover
	}
	s.counters.opened(int(p.open.Add(1)))
	defer s.counters.closed()
	defer p.open.Add(-1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	v := s.handle(&Call{
		Now: time.Now(), Method: r.Method, Path: path, Query: query, Header: r.Header.Get,
		Body: body, Conn: p.id, ConnNth: p.requests.Add(1),
	})
	if v.Delay > 0 && sleep.For(r.Context(), v.Delay) != nil { // the client went meanwhile
		panic(http.ErrAbortHandler)
	}
	s.deliverHTTP1(w, r, p, &v)
}

func (s *Server) deliverHTTP1(w http.ResponseWriter, r *http.Request, p *peer, v *Verdict) {
	switch v.Fate {
	case FateGoAway:
		w.Header().Set("Connection", "close")
		s.answerHTTP1(w, v)
	case FateAnswer:
		s.answerHTTP1(w, v)
	case FateStall, FateFreeze:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case FateRefuse, FateClose:
		panic(http.ErrAbortHandler)
	case FateReset, FateCut:
		p.cut()
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) answerHTTP1(w http.ResponseWriter, v *Verdict) {
	h := w.Header()
	h.Set("Content-Type", v.ContentType)
	h.Set("Server", s.server)
	if v.RetryAfter != "" {
		h.Set("Retry-After", v.RetryAfter)
	}
	for _, f := range v.Header {
		h.Set(f.Name, f.Value)
	}
	w.WriteHeader(v.Status)
	_, _ = w.Write(v.Body) // the client may have gone
}
