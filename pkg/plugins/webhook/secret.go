package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	prefixShared  = "whsec_"
	prefixPrivate = "whsk_"
	// minShared and maxShared bound a shared secret in bytes (Standard Webhooks,
	// "Signature scheme").
	minShared, maxShared = 24, 64
	// masked is what is shown of a secret.
	masked = "(hidden)"
)

// Secret is a key that signs, in the form of Standard Webhooks: "whsec_" and base64 for
// a secret that the receiver shares, "whsk_" and base64 for the private half of an
// Ed25519 key, of 32 or 64 bytes. Every way to print or to marshal it hides it.
type Secret struct {
	shared  []byte
	private ed25519.PrivateKey
}

var errSecret = errors.New(`want "whsec_" and 24 to 64 bytes in base64, or "whsk_" and an Ed25519 key of 32 or 64 bytes in base64; ` +
	`make one with: echo "whsec_$(openssl rand -base64 32)"`)

// UnmarshalJSON implements [json.Unmarshaler]. No error quotes the secret.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return errSecret
	}
	parsed, err := parseSecret(text)
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

func parseSecret(text string) (Secret, error) {
	shared, isShared := strings.CutPrefix(text, prefixShared)
	private, isPrivate := strings.CutPrefix(text, prefixPrivate)
	switch {
	case isShared:
		if key, err := decode(shared); err == nil && len(key) >= minShared && len(key) <= maxShared {
			return Secret{shared: key}, nil
		}
	case isPrivate:
		switch key, err := decode(private); {
		case err != nil:
		case len(key) == ed25519.SeedSize:
			return Secret{private: ed25519.NewKeyFromSeed(key)}, nil
		case len(key) == ed25519.PrivateKeySize && ed25519.PrivateKey(key).Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])):
			return Secret{private: key}, nil
		}
	}
	return Secret{}, errSecret
}

// decode reads base64 with padding and without.
func decode(text string) ([]byte, error) {
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, fmt.Errorf("decode base64: %w", err)
	}
	return key, nil
}

// String hides the secret.
func (Secret) String() string { return masked }

// MarshalText implements [encoding.TextMarshaler] without showing the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Format implements [fmt.Formatter]: every verb prints String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// sign is the signature of text, with the version of its scheme.
func (s Secret) sign(text []byte) string {
	if s.private != nil {
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(s.private, text))
	}
	mac := hmac.New(sha256.New, s.shared)
	_, _ = mac.Write(text) // never fails
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signatures is the value of the header webhook-signature: one signature of each secret,
// so that a receiver may know the old one or the new one.
func signatures(secrets []Secret, id string, at time.Time, body []byte) string {
	text := make([]byte, 0, len(id)+len(body)+24)
	text = append(append(text, id...), '.')
	text = append(strconv.AppendInt(text, at.Unix(), 10), '.')
	text = append(text, body...)
	all := make([]string, len(secrets))
	for i, s := range secrets {
		all[i] = s.sign(text)
	}
	return strings.Join(all, " ")
}
