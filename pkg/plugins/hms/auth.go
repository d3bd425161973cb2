package hms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/jws"
	"github.com/pushworker/pushworker/pkg/plugins/internal/serviceaccount"
)

const (
	// life is how long a token of v3 holds, at most an hour ("Generating a JWT Based on a
	// Service Account").
	life = time.Hour
	// tokenLife is how long an access token of v1 lives that does not say; Huawei's say one
	// hour.
	tokenLife    = 10 * time.Minute
	tokenTimeout = 15 * time.Second
)

// account is what Huawei knows us by: a service account (v3), or an app (v1).
type account struct {
	ProjectID  string `json:"project_id"`
	KeyID      string `json:"key_id"`
	PrivateKey string `json:"private_key"`
	SubAccount string `json:"sub_account"`
	AppID      string `json:"app_id"`
	AppSecret  string `json:"app_secret"`
}

func (a *account) isV1() bool { return a.AppID != "" }

var errAccount = errors.New(`they are neither the key of a Huawei service account (with project_id, key_id, private_key and sub_account) ` +
	`nor {"app_id":"…","app_secret":"…"}: create a key in Huawei's API Console, credentials, service account key`)

// parseAccount reads credentials as people have them. The error does not quote them.
func parseAccount(text []byte) (a account, err error) {
	if json.Unmarshal(serviceaccount.Unwrap(text), &a) != nil {
		return account{}, errAccount
	}
	switch {
	case a.isV1() && a.AppSecret != "":
		return a, nil
	case a.isV1() || a.ProjectID == "" || a.KeyID == "" || a.SubAccount == "":
		return account{}, errAccount
	}
	if _, err = jws.ParseKey([]byte(a.PrivateKey)); err != nil {
		return account{}, fmt.Errorf("private_key: %w", err)
	}
	return a, nil
}

// auth keeps the head of all requests ready, which shows Huawei a token.
type (
	auth   = credential.Source[*h2post.Head]
	ticket = credential.Ticket[*h2post.Head]
	fresh  = credential.Fresh[*h2post.Head]
)

// newAuth starts fetching and does not wait. base is the path of the endpoint.
func newAuth(c *Config, base string) *auth {
	key := credential.Key{Text: c.Credentials, Name: "credentials_file", Is: "the key of the service account"}
	if len(key.Text) == 0 {
		key.File = c.CredentialsFile
	}
	what := "provider token"
	if c.isV1 {
		what = "access token"
	}
	return credential.Keep(func(ctx context.Context, text []byte) (fresh, error) {
		a, err := parseAccount(text)
		switch {
		case err != nil:
			return fresh{}, fmt.Errorf("use the credentials: %w", err)
		case a.isV1() != c.isV1:
			return fresh{}, errors.New("the credentials are of the other API now (v1 has app_id, v3 project_id): restart the worker")
		}
		get := a.sign
		if c.isV1 {
			get = func(time.Time) (string, time.Duration, error) { return a.fetch(ctx, c.TokenEndpoint) }
		}
		token, life, err := get(time.Now())
		if err != nil {
			return fresh{}, err
		}
		return fresh{Value: headWith(base+a.path(), token), Life: life}, nil
	}, key, what)
}

// headWith is what all requests have in common that show a token.
func headWith(path, token string) *h2post.Head {
	return h2post.NewHead(path,
		h2post.Field{Name: "authorization", Value: "Bearer " + token},
		h2post.Field{Name: "content-type", Value: "application/json"},
		h2post.Field{Name: "user-agent", Value: "pushworker"},
	)
}

// sign makes a token of v3.
func (a *account) sign(now time.Time) (string, time.Duration, error) {
	key, err := jws.ParseKey([]byte(a.PrivateKey))
	if err != nil {
		return "", 0, fmt.Errorf("sign a token: %w", err)
	}
	token, err := jws.Sign(key, a.KeyID, struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Issued   int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}{a.SubAccount, audience, now.Unix(), now.Add(life).Unix()})
	if err != nil {
		return "", 0, fmt.Errorf("sign a token: %w", err)
	}
	return token, life, nil
}

// fetch gets an access token of v1 (RFC 6749, section 4.4).
func (a *account) fetch(ctx context.Context, endpoint string) (string, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	from := clientcredentials.Config{ClientID: a.AppID, ClientSecret: a.AppSecret, TokenURL: endpoint, AuthStyle: oauth2.AuthStyleInParams}
	got, err := from.Token(serviceaccount.WithClient(ctx))
	if err != nil {
		return "", 0, tokenFault(err)
	}
	if strings.ContainsFunc(got.AccessToken, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", 0, errors.New("get an access token: the answer has none that can be sent: check token_endpoint")
	}
	left := tokenLife
	if !got.Expiry.IsZero() {
		left = max(time.Until(got.Expiry), time.Second)
	}
	return got.AccessToken, left, nil
}

// tokenFault words a failure without the endpoint's own text.
func tokenFault(err error) error {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("get an access token: check the network, the proxy and token_endpoint: %w", err)
	}
	switch status := answered.Response.StatusCode; {
	case status >= 300 && status < 400:
		return fmt.Errorf("get an access token: the answer is %d, and redirects are not followed: correct token_endpoint", status)
	case status < 400 || status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return fmt.Errorf("get an access token: the answer is %d, retrying every %s", status, credential.LookEvery)
	default:
		return fmt.Errorf("%w: %d: check app_id and app_secret", credential.ErrRefused, status)
	}
}
