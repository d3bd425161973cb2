package fcm

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // the name of a grant type (RFC 7523), no secret

// claims are those of a service account's assertion (RFC 7523).
type claims struct {
	Issuer   string `json:"iss"`
	Scope    string `json:"scope"`
	Audience string `json:"aud"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// oauthError is an error of the token endpoint (RFC 6749, section 5.2), in
// Google's words.
type oauthError struct {
	Code string `json:"error"`
	Text string `json:"error_description"`
}

// token answers POST /token.
func (s *Server) token(c *fake.Call) fake.Verdict {
	who, fail := s.assertion(c)
	if says := s.Decide(c, fake.Occasion{Endpoint: endpointToken, Target: who.Issuer}); says.Answer != nil && says.Answer.Name != accepted {
		return says.Verdict
	}
	if fail != nil {
		return s.JSON(400, fail)
	}
	lifetime := s.options.TokenLifetime
	s.CountToken()
	return s.JSON(200, map[string]any{
		"access_token": s.bearers.issue(c.Now, grant{c.Now.Add(lifetime), mayMessage(who.Scope)}),
		"expires_in":   int64(lifetime / time.Second),
		"token_type":   "Bearer",
	})
}

func mayMessage(scope string) bool {
	for one := range strings.FieldsSeq(scope) {
		switch one {
		case "https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform":
			return true
		}
	}
	return false
}

// assertion reads and checks the form of a token request.
func (s *Server) assertion(c *fake.Call) (claims, *oauthError) {
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		return claims{}, &oauthError{"invalid_request", "Bad Request"}
	}
	if form.Get("grant_type") != jwtBearer {
		return claims{}, &oauthError{"unsupported_grant_type", "Invalid grant_type: " + form.Get("grant_type")}
	}
	payload, ok := s.verify(form.Get("assertion"))
	var got claims
	if payload == nil || json.Unmarshal(payload, &got) != nil {
		return claims{}, &oauthError{"invalid_grant", "Bad Request"}
	}
	if !ok {
		return got, &oauthError{"invalid_grant", "Invalid JWT Signature."}
	}
	return got, got.check(c.Now)
}

func (c claims) check(now time.Time) *oauthError {
	const skew = 5 * time.Minute
	issued, expires := time.Unix(c.Issued, 0), time.Unix(c.Expires, 0)
	switch {
	case issued.After(now.Add(skew)), expires.Before(now.Add(-skew)), expires.Sub(issued) > time.Hour:
		return &oauthError{"invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}
	case !strings.HasSuffix(c.Audience, "/token"):
		return &oauthError{"invalid_grant", "Invalid JWT: Failed audience check. The right audience is https://oauth2.googleapis.com/token"}
	case c.Issuer == "":
		return &oauthError{"invalid_grant", "Invalid grant: account not found"}
	case c.Scope == "":
		return &oauthError{"invalid_scope", "Invalid OAuth scope or ID token audience provided."}
	}
	return nil
}

// verify returns the payload of an RS256 JWT, nil when it is none, and whether
// one of the keys signed it.
func (s *Server) verify(jwt string) (payload []byte, ok bool) {
	signed, signature, _ := cutLast(jwt)
	head, body, _ := strings.Cut(signed, ".")
	header, err1 := base64.RawURLEncoding.DecodeString(head)
	payload, err2 := base64.RawURLEncoding.DecodeString(body)
	sig, err3 := base64.RawURLEncoding.DecodeString(signature)
	var algorithm struct {
		Alg string `json:"alg"`
	}
	if err1 != nil || err2 != nil || err3 != nil || json.Unmarshal(header, &algorithm) != nil || algorithm.Alg != "RS256" {
		return nil, false
	}
	keys := s.keys.all()
	digest := sha256.Sum256([]byte(signed))
	for _, key := range keys {
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) == nil {
			return payload, true
		}
	}
	return payload, len(keys) == 0
}

func cutLast(s string) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
