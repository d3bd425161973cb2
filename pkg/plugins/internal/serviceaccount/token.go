package serviceaccount

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
)

const (
	// tokenTimeout bounds one request for an access token.
	tokenTimeout = 15 * time.Second
	// tokenLife is how long a token lives that does not say; Google's say one hour.
	tokenLife = 10 * time.Minute
	// maxTokenLife bounds what a token says of itself.
	maxTokenLife = 12 * time.Hour
)

var errPrivateKey = fmt.Errorf("%w: its private_key cannot be read: copy the file again as Google issued it, or %s", ErrNoKey, whereKeysAre)

// Fetch trades a service account's key for an access token with a scope (RFC 7523), in
// the form of the header Authorization. What the key signs goes to its token_uri and
// nowhere else.
func Fetch(scope string) credential.Fetch[string] {
	return func(ctx context.Context, key []byte) (credential.Fresh[string], error) { return fetch(ctx, key, scope) }
}

func fetch(ctx context.Context, key []byte, scope string) (token, error) {
	known, err := Parse(key)
	if err != nil {
		return token{}, err
	}
	account, err := google.JWTConfigFromJSON(known.text, scope)
	if err != nil || !isPrivateKey(account.PrivateKey) { // err may quote the key
		return token{}, errPrivateKey
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	got, err := account.TokenSource(WithClient(ctx)).Token()
	if err != nil {
		return token{}, tokenFault(err)
	}
	return tokenOf(got)
}

// WithClient is ctx with the client with which tokens are fetched, for package oauth2: it
// follows no redirect, and ends with ctx, which the caller must end.
func WithClient(ctx context.Context) context.Context {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: tokenTimeout, DisableKeepAlives: true, // it is used once an hour
		DialContext: dialWithin(ctx), ForceAttemptHTTP2: true,
	}
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: within{ctx, transport}, CheckRedirect: stay})
}

// dialWithin opens connections that end with ctx. net/http goes on to make one whose request
// has been given up, and keeps it.
func dialWithin(ctx context.Context) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = c.Close() })
		}
		return c, err //nolint:wrapcheck // a dialer passes errors on
	}
}

type token = credential.Fresh[string]

// tokenOf takes of an answer what can be used, whatever it says.
func tokenOf(got *oauth2.Token) (token, error) {
	if !isHeaderValue(got.AccessToken) {
		return token{}, errors.New("get an access token: the answer of the token endpoint has none: check token_uri in the service account's key")
	}
	life := tokenLife
	if seconds, says := got.Extra("expires_in").(float64); says {
		if seconds < 1 {
			return token{}, errors.New("get an access token: the token endpoint issued one that has already expired: check token_uri in the service account's key")
		}
		life = time.Duration(min(seconds, maxTokenLife.Seconds())) * time.Second
	}
	return token{Value: "Bearer " + got.AccessToken, Life: life}, nil
}

// isHeaderValue reports whether token can be sent in a header.
func isHeaderValue(token string) bool {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	return token != ""
}

// isPrivateKey reports whether key is one that assertions can be signed with.
func isPrivateKey(key []byte) bool {
	if block, _ := pem.Decode(key); block != nil {
		key = block.Bytes
	}
	_, pkcs8 := x509.ParsePKCS8PrivateKey(key)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(key)
	return pkcs8 == nil || pkcs1 == nil
}

// within makes requests end with ctx; the oauth2 package gives them none.
type within struct {
	ctx  context.Context //nolint:containedctx // it lives as long as the one request that it is for
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t within) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.next.RoundTrip(req.WithContext(t.ctx))
}

// stay follows no redirect: that would show the signed assertion to another host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// tokenFault words a failure without the endpoint's own text.
func tokenFault(err error) error {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("get an access token: check the network, the proxy and the endpoint: %w", err)
	}
	status := answered.Response.StatusCode
	if status >= 300 && status < 400 {
		return fmt.Errorf("get an access token: token endpoint answered %d, and redirects are not followed: put the right address into token_uri of the service account's key", status)
	}
	if status < 400 || status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return fmt.Errorf("get an access token: token endpoint answered %d, retrying every %s", status, credential.LookEvery)
	}
	var body struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(answered.Body, &body) // without a code the status has to do
	return fmt.Errorf("%w: %d %.40s: replace the service account's key, and check this machine's clock", credential.ErrRefused, status, body.Error)
}

// Remedy says what to correct when there is no access token: the key only if it was
// refused, or there is none.
func Remedy(err error) string {
	_, noFile := errors.AsType[*fs.PathError](err)
	if noFile || errors.Is(err, credential.ErrRefused) || errors.Is(err, ErrNoKey) {
		return "replace the service account's key in credentials or credentials_file; a replaced file is read within " + credential.LookEvery.String()
	}
	return "check the network, the proxy and the endpoint, which is token_uri in the key; it is asked again every " + credential.LookEvery.String()
}
