package fakefcm

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
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
	v := s.handle(&call{
		now: time.Now(), method: r.Method, path: path, query: query,
		auth: r.Header.Get("Authorization"), contentType: r.Header.Get("Content-Type"), client: r.Header.Get("X-Firebase-Client"),
		body: body, conn: p.id, connNth: p.requests.Add(1),
	})
	if !pause(r.Context(), v.delay) {
		panic(http.ErrAbortHandler)
	}
	s.deliverHTTP1(w, r, p, &v)
}

// pause waits; false when the client went meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) deliverHTTP1(w http.ResponseWriter, r *http.Request, p *peer, v *verdict) {
	switch v.fate {
	case fateGoAway:
		w.Header().Set("Connection", "close")
		answerHTTP1(w, v)
	case fateAnswer:
		answerHTTP1(w, v)
	case fateStall, fateFreeze:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case fateRefuse, fateClose:
		panic(http.ErrAbortHandler)
	case fateReset, fateCut:
		p.cut()
		panic(http.ErrAbortHandler)
	}
}

func answerHTTP1(w http.ResponseWriter, v *verdict) {
	h := w.Header()
	h.Set("Content-Type", v.contentType)
	h.Set("Server", serverName)
	if v.retryAfter != "" {
		h.Set("Retry-After", v.retryAfter)
	}
	if v.challenge {
		h.Set("WWW-Authenticate", challenge)
	}
	w.WriteHeader(v.status)
	_, _ = w.Write(v.body) // the client may have gone
}
