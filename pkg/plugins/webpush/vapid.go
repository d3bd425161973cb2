package webpush

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/h2post"
	"github.com/pushworker/pushworker/pkg/plugins/internal/jws"
)

const (
	// claimLife is how long a claim holds; RFC 8292 allows a day, and clocks differ.
	claimLife = 12 * time.Hour
	// A claim is renewed after leastUse to mostUse, because Apple refuses a sender that
	// renews it oftener than once an hour, and not all at once.
	leastUse, mostUse = 6 * time.Hour, 11 * time.Hour
)

// VAPIDKey is a key pair that says who sends. A subscription belongs to the one that it
// was made with.
type VAPIDKey struct {
	// ID names the key in the member app of devices.
	ID string `json:"id"`
	// Key is the private key: 32 bytes in base64url.
	Key Secret `json:"key"`
}

// Secret is a private key on P-256. Every way to print or to marshal it hides it.
type Secret struct {
	key    *ecdsa.PrivateKey
	public string // in base64url: the applicationServerKey with which browsers subscribe
	broken bool   // there is a text that is no key, of which a fault has told
}

var errPrivateKey = errors.New(`want the 32 bytes of a private key on P-256 in base64url; make one with: pushworker vapid generate`)

// parseSecret reads a private key. The error does not quote it.
func parseSecret(text string) (Secret, error) {
	raw, err := decode(text)
	if err != nil {
		return Secret{}, errPrivateKey
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return Secret{}, errPrivateKey
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return Secret{}, errPrivateKey
	}
	return Secret{key: key, public: base64.RawURLEncoding.EncodeToString(public)}, nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		*s = Secret{broken: true}
		return errPrivateKey
	}
	parsed, err := parseSecret(strings.TrimSpace(text))
	if err != nil {
		*s = Secret{broken: true}
		return err
	}
	*s = parsed
	return nil
}

// String hides the key.
func (Secret) String() string { return "(hidden)" }

// MarshalText implements [encoding.TextMarshaler] without showing the key.
func (Secret) MarshalText() ([]byte, error) { return []byte("(hidden)"), nil }

// Format implements [fmt.Formatter]: every verb prints String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// claims are what a VAPID header says (RFC 8292, section 2).
type claims struct {
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Subject  string `json:"sub"`
}

// authorization is the header that shows an origin who sends, good for [claimLife].
func (s Secret) authorization(origin, subject string, now time.Time) (string, error) {
	token, err := jws.Sign(s.key, "", claims{Audience: origin, Expires: now.Add(claimLife).Unix(), Subject: subject})
	if err != nil {
		return "", fmt.Errorf("sign for a push server: %w", err)
	}
	return "vapid t=" + token + ", k=" + s.public, nil
}

// heads are what all requests to one origin have in common, by key.
type heads struct {
	of []atomic.Pointer[head]
}

type head struct {
	*h2post.Head
	renew time.Time
}

// head is the one of key i, made with fresh if there is none or it gets old. Two callers
// may make one at the same time, which does no harm.
func (h *heads) head(i int, now time.Time, fresh func() (*h2post.Head, error)) (*h2post.Head, error) {
	if have := h.of[i].Load(); have != nil && now.Before(have.renew) {
		return have.Head, nil
	}
	made, err := fresh()
	if err != nil {
		return nil, err
	}
	h.of[i].Store(&head{made, now.Add(leastUse + rand.N(mostUse-leastUse))}) //nolint:gosec // it is no secret
	return made, nil
}
