package line

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// plain speaks to http:// endpoints: HTTP/2 if they know it, HTTP/1.1 else, as plain
// proxies and most servers do. Without TLS nothing tells which before a request. The
// first one that is answered decides.
type plain struct {
	one     *http.Transport // HTTP/1.1
	version atomic.Int32    // that the endpoint speaks; 0 until it has answered
}

func newPlain(inFlight int, dial Dialer, wait time.Duration) *plain {
	p := &plain{one: newTransport(true, dial, wait)}
	p.one.MaxConnsPerHost, p.one.MaxIdleConnsPerHost = 0, inFlight // slots bound them
	p.one.HTTP2, p.one.Protocols = nil, new(http.Protocols)
	p.one.Protocols.SetHTTP1(true)
	return p
}

// ask sends req, by two as long as that is not known to be in vain.
func (p *plain) ask(two *http.Transport, req *http.Request) (*http.Response, error) {
	if p.version.Load() == 1 {
		return p.one.RoundTrip(req) //nolint:wrapcheck // a RoundTripper passes errors on
	}
	resp, err := two.RoundTrip(req)
	switch {
	case err == nil:
		p.version.Store(2)
		return resp, nil
	case p.version.Load() == 2, isDial(err), req.Context().Err() != nil:
		return nil, err //nolint:wrapcheck // as above
	}
	again := repeatable(req)
	if again == nil {
		return nil, err //nolint:wrapcheck // as above
	}
	resp, errOne := p.one.RoundTrip(again)
	if errOne != nil {
		return nil, err //nolint:wrapcheck // what HTTP/2 says is no less true
	}
	p.version.CompareAndSwap(0, 1)
	return resp, nil
}

// repeatable is req once more; nil if its body cannot be had again.
func repeatable(req *http.Request) *http.Request {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	again := req.Clone(req.Context())
	again.Body = body
	return again
}

// isDial reports whether there was no connection, so that no protocol is to blame.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
