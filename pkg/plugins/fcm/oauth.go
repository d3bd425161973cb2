package fcm

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

const (
	messagingScope = "https://www.googleapis.com/auth/firebase.messaging"
	// tokenTimeout bounds one request for an access token.
	tokenTimeout = 15 * time.Second
	// tokenLife is how long a token lives that does not say; Google's say one hour.
	tokenLife = 10 * time.Minute
	// maxTokenLife bounds what a token says of itself.
	maxTokenLife = 12 * time.Hour
)

// errRefused says that the token endpoint has answered, and the answer was no.
var errRefused = errors.New("token endpoint refuses the credentials")

var errPrivateKey = fmt.Errorf("%w: its private_key cannot be read: copy the file again as Google gave it out, or %s", errNoKey, whereKeysAre)

// readKey reads the service account's key.
func readKey(path string) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(path) // first, so that a later change is seen as one
	if err != nil {
		return nil, nil, missingKey(err)
	}
	key, err := os.ReadFile(path) //nolint:gosec // which file it is, the operator says
	if err != nil {
		return nil, nil, fmt.Errorf("read credentials_file: make it readable for this process: %w", err)
	}
	return key, info, nil
}

func missingKey(err error) error {
	return fmt.Errorf("read credentials_file: put the service account's key there: %w", err)
}

// fetchToken trades a service account's key for an access token (RFC 7523). What the
// key signs goes to its token_uri and nowhere else.
func fetchToken(ctx context.Context, key []byte) (grant, error) {
	known, err := parseAccount(key)
	if err != nil {
		return grant{}, err
	}
	account, err := google.JWTConfigFromJSON(known.text, messagingScope)
	if err != nil || !isPrivateKey(account.PrivateKey) { // err may quote the key
		return grant{}, errPrivateKey
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: tokenTimeout, DisableKeepAlives: true, // it is used once an hour
	}
	client := &http.Client{Transport: within{ctx, transport}, CheckRedirect: stay}
	token, err := account.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client)).Token()
	if err != nil {
		return grant{}, tokenFault(err)
	}
	return grantOf(token)
}

// grantOf takes of an answer what can be used, whatever it says.
func grantOf(token *oauth2.Token) (grant, error) {
	if !isHeaderValue(token.AccessToken) {
		return grant{}, errors.New("get an access token: the answer of the token endpoint has none: check token_uri in the service account's key")
	}
	life := tokenLife
	if seconds, says := token.Extra("expires_in").(float64); says {
		if seconds < 1 {
			return grant{}, errors.New("get an access token: the token endpoint gave one that has expired already: check token_uri in the service account's key")
		}
		life = time.Duration(min(seconds, maxTokenLife.Seconds())) * time.Second
	}
	return grant{token.AccessToken, life}, nil
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
		return fmt.Errorf("get an access token: token endpoint answered %d, it is asked again every %s", status, lookEvery)
	}
	var body struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(answered.Body, &body) // without a code the status has to do
	return fmt.Errorf("%w: %d %.40s: replace the service account's key, and check this machine's clock", errRefused, status, body.Error)
}
