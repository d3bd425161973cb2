package fcm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
)

// auth shows FCM an access token with each request.
type auth struct {
	*credential.Source[string] // of Authorization
	next                       http.RoundTripper
}

type ticket = credential.Ticket[string]

var errNoToken = errors.New("no access token")

// newAuth starts fetching and does not wait.
func newAuth(next http.RoundTripper, fetch credential.Fetch[string], key []byte, file string) *auth {
	return &auth{next: next, Source: credential.Keep(fetch, credential.Key{
		Text: key, File: file, Name: "credentials_file", Is: "the service account's key",
	}, "access token")}
}

// RoundTrip implements [http.RoundTripper]. A request whose token is refused is
// repeated once if there is a fresh one: a refusal says that nothing was sent.
func (a *auth) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := a.Now()
	if err != nil { // it has gone since Ready was asked
		return nil, fmt.Errorf("%w: %w", errNoToken, err)
	}
	resp, err := a.ask(req, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !isOurs401(resp) {
		return resp, err
	}
	fresh := a.Instead(req.Context(), token)
	again := line.Repeatable(req)
	if fresh == nil || again == nil {
		return resp, nil
	}
	return a.ask(again, fresh)
}

func (a *auth) ask(req *http.Request, token *ticket) (*http.Response, error) {
	exchangeOf(req).token = token
	req.Header.Set("Authorization", token.Value) // the SDK makes a request for every attempt
	return a.next.RoundTrip(req)
}

// isOurs401 reports whether an answer is about our token, and not about FCM's own
// access to Apple.
func isOurs401(resp *http.Response) bool {
	body, err := io.ReadAll(resp.Body) // the pool has read it
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && !bytes.Contains(body, []byte("THIRD_PARTY_AUTH_ERROR"))
}
