package apns

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// link is what a connection has shown.
type link struct {
	key      *key
	token    string
	since    time.Time // when the token was first seen on it
	poisoned bool
}

const (
	// maxAge is how old a provider token may be.
	maxAge = time.Hour
	// maxAhead is how far ahead its time may be; a guess.
	maxAhead = time.Minute
)

// admit is the reason why a call may not ask, or empty. The first valid token on a
// connection lets it have more streams.
func (s *Server) admit(c *fake.Call) string {
	scheme, token, _ := strings.Cut(c.Header("authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return "MissingProviderToken"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[c.Conn]
	if l != nil && l.poisoned {
		return "TooManyProviderTokenUpdates"
	}
	k, reason := s.verify(token, c.Now)
	switch {
	case reason != "":
		return reason
	case l == nil:
		s.links[c.Conn] = &link{key: k, token: token, since: c.Now}
		s.SetStreams(c.Conn, s.MaxStreams())
	case l.key.team != k.team:
		return "InvalidProviderToken"
	case l.key != k:
		return "UnrelatedKeyIdInToken"
	case l.token != token && c.Now.Sub(l.since) < updateEvery:
		l.poisoned = true
		return "TooManyProviderTokenUpdates"
	case l.token != token:
		l.token, l.since = token, c.Now
	}
	if s.seen[token] == nil {
		s.seen[token] = k
		s.CountToken()
	}
	return ""
}

// verify finds the key that has signed a token, or the reason why it is not taken.
func (s *Server) verify(token string, now time.Time) (k *key, reason string) {
	const invalid = "InvalidProviderToken"
	parts := strings.Split(token, ".")
	var header struct{ Alg, Kid, Typ string }
	var claims struct {
		Iss string
		Iat int64
	}
	if len(parts) != 3 || !part(parts[0], &header) || !part(parts[1], &claims) || header.Alg != "ES256" {
		return nil, invalid
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return nil, invalid
	}
	at := slices.IndexFunc(s.keys, func(k *key) bool { return k.id == header.Kid && k.team == claims.Iss && !k.revoked })
	if at < 0 {
		return nil, invalid
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	one, two := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if s.seen[token] != s.keys[at] && !ecdsa.Verify(s.keys[at].public, digest[:], one, two) { // what is slow is done once
		return nil, invalid
	}
	switch age := now.Sub(time.Unix(claims.Iat, 0)); {
	case age > maxAge:
		return nil, "ExpiredProviderToken"
	case age < -maxAhead:
		return nil, invalid
	}
	return s.keys[at], ""
}

func part(text string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(b, into) == nil
}

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
