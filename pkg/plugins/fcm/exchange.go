package fcm

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// statusHidden is what the SDK sees instead of every answer but 200. It repeats
// 503 and network errors up to four times by itself, at once and without jitter,
// and offers no switch (firebase-admin-go issues 476, 579, 720); this status it
// takes for final. One attempt is one request, and the queue does the retrying.
const statusHidden = 599

// exchange is one request's answer as it came from the network, before the SDK
// made something of it.
type exchange struct {
	line.Exchange
	// token is what the request was authorised with.
	token *ticket
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf is the exchange of a request; one that nobody looks at if it has none.
func exchangeOf(req *http.Request) *exchange {
	if x, ok := req.Context().Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// recorder is the outermost RoundTripper: it notes the answer in the request's
// exchange and hides failures from the SDK.
type recorder struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		x.Err = err
		return withheld(req), nil //nolint:nilerr // the exchange has it
	}
	if resp.StatusCode == http.StatusOK {
		x.Status, x.Header = resp.StatusCode, resp.Header
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err = cmp.Or(err, resp.Body.Close()); err != nil {
		x.Err = fmt.Errorf("read the answer: %w", err)
		return withheld(req), nil
	}
	x.Status, x.Header, x.Body = resp.StatusCode, resp.Header, body
	return withheld(req), nil
}

func withheld(req *http.Request) *http.Response {
	return &http.Response{
		Status: "599 hidden from the SDK", StatusCode: statusHidden, Request: req,
		Proto: "HTTP/2.0", ProtoMajor: 2, Header: http.Header{}, Body: http.NoBody,
	}
}
