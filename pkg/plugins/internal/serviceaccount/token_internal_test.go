package serviceaccount

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
)

// TestTokenAnswers: an answer of the token endpoint is used as far as it makes sense.
func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]time.Duration{ // 0: an error that says nothing of a refused key
		`{"access_token":"t","expires_in":3600}`:           time.Hour,
		`{"access_token":"t"}`:                             tokenLife,
		`{"access_token":"t","expires_in":10000000000}`:    maxTokenLife,
		`{"access_token":"t","expires_in":9000000000000}`:  maxTokenLife,
		`{"access_token":"t","expires_in":0}`:              0,
		`{"access_token":"t","expires_in":-5}`:             0,
		`{"access_token":"t","expires_in":-10000000000}`:   0,
		`{"access_token":"t","expires_in":"soon"}`:         0,
		`{"expires_in":3600}`:                              0,
		`{"access_token":"a b","expires_in":3600}`:         0,
		`{"access_token":"a\r\nX-Y: z","expires_in":3600}`: 0,
		`{}`:     0,
		`null`:   0,
		`<html>`: 0,
	} {
		endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(answer))
		}))
		got, err := fetch(t.Context(), []byte(genuineKey(t, endpoint.URL)), "scope")
		endpoint.Close()
		if (err == nil) != (want != 0) || got.Life != want || errors.Is(err, credential.ErrRefused) {
			t.Errorf("%s: got a life of %s, %v, want %s", answer, got.Life, err, want)
		}
	}
}

// TestTokenRedirect: what our key has signed reaches the endpoint that the key names
// and no other.
func TestTokenRedirect(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		_, _ = w.Write([]byte(`{"access_token":"t","expires_in":3600}`))
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		endpoint := httptest.NewServer(http.RedirectHandler(other.URL, status))
		_, err := fetch(t.Context(), []byte(genuineKey(t, endpoint.URL)), "scope")
		endpoint.Close()
		if err == nil || !strings.Contains(err.Error(), "redirects are not followed") || errors.Is(err, credential.ErrRefused) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("the assertion went to another host %d times", n)
	}
}

// TestNoKey: what no token can be asked for with is told apart from a network that
// is down, and not quoted.
func TestNoKey(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{`, `{}`, `{"type":"authorized_user","client_id":"secret"}`, `{"type":"service_account"}`,
		`{"type":"service_account","client_email":"a@b","private_key":"secret","token_uri":"http://127.0.0.1:1/token"}`,
		`{"type":"service_account","client_email":"a@b","private_key":"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"}`,
	} {
		_, err := fetch(t.Context(), []byte(text), "scope")
		if !errors.Is(err, ErrNoKey) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestConnectionsEndWithTheFetch: net/http keeps a connection that was made for a request
// which had been given up.
func TestConnectionsEndWithTheFetch(t *testing.T) {
	t.Parallel()
	endpoint := httptest.NewServer(http.NotFoundHandler())
	defer endpoint.Close()
	ctx, cancel := context.WithCancel(t.Context())
	client, _ := WithClient(ctx).Value(oauth2.HTTPClient).(*http.Client)
	by, _ := client.Transport.(within)
	transport, _ := by.next.(*http.Transport)
	c, err := transport.DialContext(t.Context(), "tcp", endpoint.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read = %v, want that the connection is closed", err)
	}
	if _, err := transport.DialContext(t.Context(), "tcp", endpoint.Listener.Addr().String()); !errors.Is(err, context.Canceled) {
		t.Errorf("another: %v, want none after the fetch has ended", err)
	}
}
