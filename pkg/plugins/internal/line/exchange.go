package line

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
)

const (
	// QuotaWait is the delay after a 429 that names none (FCM's documentation: "retry
	// after at least one minute").
	QuotaWait = time.Minute
	// maxRetryAfter bounds what an answer may ask for.
	maxRetryAfter = time.Hour
)

// Exchange is a request's answer as it came from the network.
type Exchange struct {
	Status int
	Header Header // nil if there is none
	Body   []byte
	// Err is why there was no answer; Status is then 0.
	Err error
	// Unprocessed says that the provider has not looked at the request.
	Unprocessed bool

	answer *h2post.Answer // nil if no wire has carried it
}

// Head is what the request was sent with over a [Wire]; nil if nothing of it was. A wire
// may have chosen another one than it was given, see [Wiring].
func (x Exchange) Head() *h2post.Head {
	if x.answer == nil {
		return nil
	}
	return x.answer.Head
}

// Retire has the connection that carried the request take no more.
func (x Exchange) Retire() {
	if x.answer != nil {
		x.answer.Retire()
	}
}

// Header gives the first value of a field; [http.Header] does.
type Header interface{ Get(name string) string }

// answerHeader is a [Header].
type answerHeader h2post.Answer

// Get implements [Header].
func (h *answerHeader) Get(name string) string {
	return (*h2post.Answer)(h).Header(strings.ToLower(name))
}

func exchangeOf(a *h2post.Answer) Exchange {
	return Exchange{
		Status: a.Status, Header: (*answerHeader)(a), Body: a.Body, Err: a.Err,
		Unprocessed: a.Outcome == h2post.Unprocessed, answer: a,
	}
}

// Field is the first value of a header field, or empty.
func (x Exchange) Field(name string) string {
	if x.Header == nil {
		return ""
	}
	return x.Header.Get(name)
}

// NoAnswer is what an exchange without an answer says.
func (x Exchange) NoAnswer() Answer {
	a := NoAnswer(x.Err)
	switch {
	case errors.Is(x.Err, h2post.ErrBadField):
		return Answer{Fate: Rejected, Code: "invalid-message", Err: x.Err}
	case x.Unprocessed:
		a.Tried, a.unprocessed = false, true
	}
	return a
}

// Do makes one request of net/http's, waits, and reads at most 64 KiB of the answer.
func Do(by http.RoundTripper, req *http.Request) Exchange {
	resp, err := by.RoundTrip(req)
	if err != nil {
		return Exchange{Err: err}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = cmp.Or(err, resp.Body.Close()); err != nil {
		return Exchange{Err: fmt.Errorf("read the answer: %w", err)}
	}
	return Exchange{Status: resp.StatusCode, Header: resp.Header, Body: body}
}

// Aside calls ask in a goroutine of its own, for a transport that waits. A panic is an
// answer.
func Aside(ask func() Answer, answered func(Answer)) {
	go func() { answered(caught(ask)) }()
}

func caught(ask func() Answer) (a Answer) {
	defer func() {
		if v := recover(); v != nil {
			a = panicked(v)
		}
	}()
	return ask()
}

// Unknown is what an answer means that stands in no table of the provider's: somebody
// else gave it, a proxy or the server of a wrong endpoint. It says nothing about the
// message and the address, whatever its status is.
func (x Exchange) Unknown() Answer {
	a := Answer{Fate: Again, Scope: All, Innocent: true, Tried: true, Code: HTTPCode(x.Status)}
	if x.Status == http.StatusTooManyRequests {
		a.Closed, a.Wait = true, QuotaWait
	}
	return a
}

// IsFrontEnd reports whether x is an answer that the front end of a working provider
// gives while the provider is down, with or without a body of its own.
func (x Exchange) IsFrontEnd() bool {
	switch x.Status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// HTTPCode is the code of an answer of which nothing is known but the status.
func HTTPCode(status int) string { return "http-" + strconv.Itoa(status) }

// Heed is a with the wait that the answer asks for in place of its own, if it asks for one:
// what is said of everybody holds for probes, too.
func (x Exchange) Heed(a Answer, now time.Time) Answer {
	if wait := x.RetryAfter(now); wait > 0 {
		a.Wait, a.Firm = wait, a.Scope == All && !a.Closed
	}
	return a
}

// RetryAfter is how long the answer asks to wait: it reads the header's two forms,
// seconds and HTTP date (RFC 9110, section 10.2.3), and bounds it by an hour; 0 when
// there is none.
func (x Exchange) RetryAfter(now time.Time) time.Duration {
	header := strings.TrimSpace(x.Field("Retry-After"))
	if header == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(max(time.Duration(min(seconds, int(maxRetryAfter/time.Second)))*time.Second, 0), maxRetryAfter)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
