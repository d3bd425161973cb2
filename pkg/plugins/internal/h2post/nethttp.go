package h2post

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"
)

// NetHTTP posts over net/http, with a goroutine for each request that is open. Of
// what has no answer it knows only whether there was a connection.
type NetHTTP struct {
	base    string
	by      http.RoundTripper
	timeout time.Duration
	parent  context.Context //nolint:containedctx // of all requests: they have only deadlines
	stop    context.CancelCauseFunc

	mu     sync.Mutex
	closed bool
	ended  sync.WaitGroup
}

var _ Poster = (*NetHTTP)(nil)

// NewNetHTTP makes a Poster of by, for a base as https://host:port. When ctx ends,
// so do the requests.
func NewNetHTTP(ctx context.Context, base string, timeout time.Duration, by http.RoundTripper) *NetHTTP {
	p := &NetHTTP{base: base, by: by, timeout: cmp.Or(timeout, 15*time.Second)}
	p.parent, p.stop = context.WithCancelCause(ctx)
	return p
}

// Post implements [Poster].
func (p *NetHTTP) Post(r *Request) {
	r.reset(time.Now(), p.timeout)
	p.mu.Lock()
	closed := p.closed
	if !closed {
		ctx, cancel := context.WithCancelCause(p.parent)
		r.cancel = cancel
		p.ended.Go(func() { p.post(ctx, r) })
	}
	p.mu.Unlock()
	if closed {
		r.answer.Outcome, r.answer.Err = Unprocessed, ErrClosed
		r.Done(&r.answer)
	}
}

// Cancel implements [Poster].
func (p *NetHTTP) Cancel(r *Request) {
	p.mu.Lock()
	cancel := r.cancel
	p.mu.Unlock()
	if cancel != nil {
		cancel(ErrCanceled)
	}
}

// Close implements [Poster].
func (p *NetHTTP) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	defer context.AfterFunc(ctx, func() { p.stop(ErrClosed) })()
	p.ended.Wait()
	p.stop(ErrClosed)
	if t, ok := p.by.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return ctx.Err() //nolint:wrapcheck // the caller's own
}

func (p *NetHTTP) post(parent context.Context, r *Request) {
	ctx, cancel := context.WithDeadlineCause(parent, r.due, ErrTimeout)
	defer cancel()
	a := &r.answer
	a.Head = r.Head
	a.Outcome, a.Err = Answered, p.exchange(ctx, r)
	if a.Err != nil {
		a.Outcome, a.Status = p.judge(ctx, a.Err), 0
		a.Err = cmp.Or(context.Cause(ctx), a.Err)
	}
	p.mu.Lock()
	r.cancel(nil)
	r.cancel = nil
	p.mu.Unlock()
	r.Done(a)
}

// judge tells what an error means for the request.
func (p *NetHTTP) judge(ctx context.Context, err error) Outcome {
	dialing := &net.OpError{}
	switch {
	case errors.Is(context.Cause(ctx), ErrTimeout):
		return TimedOut
	case errors.Is(err, ErrBadField), errors.As(err, &dialing) && dialing.Op == "dial":
		return Unprocessed
	}
	return InDoubt
}

func (p *NetHTTP) exchange(ctx context.Context, r *Request) error {
	if !r.valid() {
		return ErrBadField
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+cmp.Or(r.Path, r.Head.path), bytes.NewReader(r.Body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadField, err)
	}
	for _, fields := range [][]Field{r.Head.fields, r.Fields} {
		for _, f := range fields {
			req.Header.Add(f.Name, f.Value)
		}
	}
	resp, err := p.by.RoundTrip(req)
	if err != nil {
		return err //nolint:wrapcheck // its text is the answer's
	}
	body := bytes.NewBuffer(r.answer.Body)
	_, err = io.Copy(body, io.LimitReader(resp.Body, maxBody))
	if err = cmp.Or(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	r.answer.Status, r.answer.Body = resp.StatusCode, body.Bytes()
	for name, values := range resp.Header {
		for _, v := range values {
			r.answer.fields = append(r.answer.fields, hpack.HeaderField{Name: strings.ToLower(name), Value: v})
		}
	}
	return nil
}
