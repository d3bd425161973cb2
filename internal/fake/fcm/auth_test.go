package fcm_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/fcm"
)

const messagingScope = "https://www.googleapis.com/auth/firebase.messaging"

// account is what a client reads of a service account file.
type account struct {
	ClientEmail string `json:"client_email"`
	PrivateKey  string `json:"private_key"`
	TokenURI    string `json:"token_uri"`
	ProjectID   string `json:"project_id"`
	Type        string `json:"type"`
}

func newAccount(t *testing.T, s *fcm.Server) (account, *rsa.PrivateKey) {
	t.Helper()
	file, err := s.ServiceAccount("demo")
	if err != nil {
		t.Fatal(err)
	}
	var a account
	if err := json.Unmarshal(file, &a); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(a.PrivateKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return a, key.(*rsa.PrivateKey)
}

// claims are those of an assertion in good order.
func (a account) claims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": a.ClientEmail, "scope": messagingScope, "aud": a.TokenURI, "iat": now, "exp": now + 3600}
}

func sign(t *testing.T, key *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// exchange asks for an access token.
func exchange(t *testing.T, c *http.Client, uri, assertion string) (int, map[string]any) {
	t.Helper()
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	r := request(t, http.MethodPost, uri, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := do(c, r)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("%v in %s", err, got.body)
	}
	return got.status, body
}

func pushAs(t *testing.T, c *http.Client, s *fcm.Server, authorization string) reply {
	t.Helper()
	r := request(t, http.MethodPost, s.URL()+"/v1/projects/demo/messages:send", to("a"))
	r.Header.Set("Authorization", authorization)
	got, err := do(c, r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAServiceAccountGetsATokenThatSendsUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	a, key := newAccount(t, s)
	if a.Type != "service_account" || a.ProjectID != "demo" || a.TokenURI != s.URL()+"/token" {
		t.Errorf("the account is %+v", a)
	}
	status, body := exchange(t, c, a.TokenURI, sign(t, key, a.claims()))
	if status != 200 || body["token_type"] != "Bearer" || body["expires_in"] != 3599. {
		t.Fatalf("%d %v", status, body)
	}
	bearer := "Bearer " + body["access_token"].(string)
	if got := pushAs(t, c, s, bearer); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	s.Revoke()
	if got := pushAs(t, c, s, bearer); got.status != 401 {
		t.Errorf("%d after the token was revoked, want 401", got.status)
	}
	if got := pushAs(t, c, s, "Bearer good"); got.status != 200 {
		t.Errorf("%d for a token of the options, want 200", got.status)
	}
	if n := s.Stats().Tokens; n != 1 {
		t.Errorf("%d tokens counted, want 1", n)
	}
}

func TestAnExpiredTokenIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{TokenLifetime: time.Nanosecond})
	c := client(t)
	a, key := newAccount(t, s)
	_, body := exchange(t, c, a.TokenURI, sign(t, key, a.claims()))
	got := pushAs(t, c, s, "Bearer "+body["access_token"].(string))
	if got.status != 401 || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("%d with %q, want 401 with a challenge", got.status, got.header.Get("WWW-Authenticate"))
	}
}

func TestBearersThatMayNotSend(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	a, key := newAccount(t, s)
	narrow := a.claims()
	narrow["scope"] = "https://www.googleapis.com/auth/datastore"
	_, unscoped := exchange(t, c, a.TokenURI, sign(t, key, narrow))
	for authorization, want := range map[string]struct {
		status int
		answer string
		reason string
	}{
		"":             {401, "auth-missing", "CREDENTIALS_MISSING"},
		"Basic Z29vZA": {401, "auth-missing", "CREDENTIALS_MISSING"},
		"Bearer ":      {401, "auth-missing", "CREDENTIALS_MISSING"},
		"Bearer wrong": {401, "auth", "invalid authentication credentials"},
		"Bearer " + unscoped["access_token"].(string): {403, "auth-scope", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
		"bearer good": {200, "accepted", "projects/demo"},
	} {
		before := s.Stats().Answers[want.answer]
		got := pushAs(t, c, s, authorization)
		if got.status != want.status || !strings.Contains(got.body, want.reason) || s.Stats().Answers[want.answer] != before+1 {
			t.Errorf("%q: %d %s", authorization, got.status, got.body)
		}
	}
}

func TestTheTokenEndpointSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{})
	c := client(t)
	a, key := newAccount(t, s)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) string {
		claims := a.claims()
		claims[name] = value
		return sign(t, key, claims)
	}
	const lived = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."
	hour := time.Now().Add(time.Hour).Unix()
	for name, want := range map[string]struct{ assertion, code, text string }{
		"stranger":  {sign(t, stranger, a.claims()), "invalid_grant", "Invalid JWT Signature."},
		"expired":   {with("exp", hour-2*3600), "invalid_grant", lived},
		"too long":  {with("exp", hour+60), "invalid_grant", lived},
		"too early": {with("iat", hour), "invalid_grant", lived},
		"audience":  {with("aud", "https://elsewhere"), "invalid_grant", "Invalid JWT: Failed audience check. The right audience is https://oauth2.googleapis.com/token"},
		"issuer":    {with("iss", ""), "invalid_grant", "Invalid grant: account not found"},
		"scope":     {with("scope", ""), "invalid_scope", "Invalid OAuth scope or ID token audience provided."},
		"no JWT":    {"a.b", "invalid_grant", "Bad Request"},
		"unsigned":  {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + ".e30.", "invalid_grant", "Bad Request"},
	} {
		status, body := exchange(t, c, a.TokenURI, want.assertion)
		if diff := cmp.Diff(map[string]any{"error": want.code, "error_description": want.text}, body); diff != "" || status != 400 {
			t.Errorf("%s: %d %s", name, status, diff)
		}
	}
	r := request(t, http.MethodPost, a.TokenURI, "grant_type=password")
	if got, err := do(c, r); err != nil || got.status != 400 || !strings.Contains(got.body, "unsupported_grant_type") {
		t.Errorf("%v %+v", err, got)
	}
}

func TestWithoutKeysSignaturesAreNotChecked(t *testing.T) {
	t.Parallel()
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	open := start(t, fcm.Options{})
	closed := start(t, fcm.Options{TokenKeys: []*rsa.PublicKey{&stranger.PublicKey}})
	a := account{ClientEmail: "x", TokenURI: open.URL() + "/token"}
	if status, body := exchange(t, client(t), open.URL()+"/token", sign(t, stranger, a.claims())); status != 200 {
		t.Errorf("%d %v", status, body)
	}
	if status, body := exchange(t, client(t), closed.URL()+"/token", sign(t, stranger, a.claims())); status != 200 {
		t.Errorf("%d %v for a key of the options", status, body)
	}
}

func TestTheScriptReachesTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Options: fake.Options{Script: script(t, `{"endpoint":"token","token":"fakefcm@*","nth":1,"answer":"unavailable"}`)}})
	c := client(t)
	a, key := newAccount(t, s)
	if status, _ := exchange(t, c, a.TokenURI, sign(t, key, a.claims())); status != 503 {
		t.Errorf("first %d, want 503", status)
	}
	if status, _ := exchange(t, c, a.TokenURI, sign(t, key, a.claims())); status != 200 {
		t.Errorf("then %d, want 200", status)
	}
	if n := len(s.Counts()); n != 0 {
		t.Errorf("%d targets, want none: an account is no target", n)
	}
}

func TestOnlyTheProjectsOfTheOptionsMaySend(t *testing.T) {
	t.Parallel()
	s := start(t, fcm.Options{Projects: []string{"mine"}})
	got := push(t, client(t), s, to("a"))
	if got.status != 403 || !strings.Contains(got.body, "IAM_PERMISSION_DENIED") || strings.Contains(got.body, "FcmError") {
		t.Errorf("%d %s", got.status, got.body)
	}
}
