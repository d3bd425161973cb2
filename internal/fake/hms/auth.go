package hms

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

const (
	// maxLife is how long a token of v3 may hold.
	maxLife = time.Hour
	// maxAhead is how far ahead its time may be; a guess.
	maxAhead = time.Minute
)

// admit is the answer to who may not ask, or empty.
func (s *Server) admit(c *fake.Call, v1 bool) (name string) {
	scheme, token, _ := strings.Cut(c.Header("authorization"), " ")
	if scheme != "Bearer" || token == "" {
		return refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !v1 {
		return s.verify(token, c.Now)
	}
	switch until, known := s.bearers[token]; {
	case !known:
		return refused
	case c.Now.After(until):
		return expiredV1
	}
	return ""
}

// verify checks a token of v3 (RFC 7518, section 3.5; "Generating a JWT Based on a Service
// Account"); mu is held.
func (s *Server) verify(token string, now time.Time) (name string) {
	parts := strings.Split(token, ".")
	var header struct{ Alg, Kid, Typ string }
	var claims struct {
		Iss, Aud string
		Iat, Exp int64
	}
	if len(parts) != 3 || !part(parts[0], &header) || !part(parts[1], &claims) ||
		header.Alg != "PS256" || header.Kid != keyID || header.Typ != "JWT" || claims.Iss != subAccount || claims.Aud != audience || s.revoked {
		return refused
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	if err != nil || rsa.VerifyPSS(&s.key.PublicKey, crypto.SHA256, digest[:], signature, options) != nil {
		return refused
	}
	issued, expires := time.Unix(claims.Iat, 0), time.Unix(claims.Exp, 0)
	good, known := s.seen[token]
	switch {
	case issued.After(now.Add(maxAhead)), expires.Sub(issued) > maxLife:
		return refused
	case now.After(expires), known && !good:
		return expiredV3
	case !known:
		s.seen[token] = true
		s.CountToken()
	}
	return ""
}

func part(text string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(b, into) == nil
}

// token answers the token endpoint (RFC 6749, section 4.4), with Huawei's form of errors.
func (s *Server) token(c *fake.Call) fake.Verdict {
	form, err := url.ParseQuery(string(c.Body))
	if says := s.Decide(c, fake.Occasion{Endpoint: endpointToken, Target: form.Get("client_id")}); says.Answer != nil && says.Answer.Name != accepted {
		return says.Verdict
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil || form.Get("grant_type") != "client_credentials":
		return s.JSON(400, map[string]any{"error": 1102, "error_description": "invalid grant_type"})
	case form.Get("client_id") != s.options.App || form.Get("client_secret") != s.secret || s.revoked:
		return s.JSON(400, map[string]any{"error": 1101, "sub_error": 20001, "error_description": "invalid client"})
	}
	token := rand.Text()
	s.bearers[token] = c.Now.Add(s.options.TokenLifetime)
	s.CountToken()
	return s.JSON(200, map[string]any{"access_token": token, "expires_in": int(s.options.TokenLifetime / time.Second), "token_type": "Bearer"})
}
