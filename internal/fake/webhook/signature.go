package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// tolerance is how far the time of a request may be off (Standard Webhooks, "Verifying
// the authenticity of the payload").
const tolerance = 5 * time.Minute

// key is what the receiver checks signatures with.
type key struct {
	shared []byte
	public ed25519.PublicKey
}

var errKey = errors.New(`a receiver's secret is "whsec_" or "whpk_" and base64`)

func parseKey(text string) (key, error) {
	if rest, ok := strings.CutPrefix(text, "whsec_"); ok {
		if b, err := base64.StdEncoding.DecodeString(rest); err == nil && len(b) >= 24 && len(b) <= 64 {
			return key{shared: b}, nil
		}
	}
	if rest, ok := strings.CutPrefix(text, "whpk_"); ok {
		if b, err := base64.StdEncoding.DecodeString(rest); err == nil && len(b) == ed25519.PublicKeySize {
			return key{public: b}, nil
		}
	}
	return key{}, errKey
}

// signed reports whether signature, with its version, is one of text by k.
func (k key) signed(text, signature string) bool {
	version, encoded, _ := strings.Cut(signature, ",")
	got, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case err != nil:
		return false
	case version == "v1" && k.shared != nil:
		mac := hmac.New(sha256.New, k.shared)
		_, _ = mac.Write([]byte(text))
		return hmac.Equal(got, mac.Sum(nil))
	case version == "v1a" && k.public != nil:
		return ed25519.Verify(k.public, []byte(text), got)
	}
	return false
}

// unsigned says why nothing in a request shows that it is signed by one of our keys now.
func (s *Server) unsigned(c *fake.Call) string {
	stamp := c.Header("webhook-timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "webhook-timestamp is no number of seconds"
	}
	if c.Now.Sub(time.Unix(at, 0)).Abs() > tolerance {
		return "webhook-timestamp is more than 5 minutes off"
	}
	text := c.Header("webhook-id") + "." + stamp + "." + string(c.Body)
	for signature := range strings.FieldsSeq(c.Header("webhook-signature")) {
		for _, k := range s.keys {
			if k.signed(text, signature) {
				return ""
			}
		}
	}
	return "no signature in webhook-signature is of our secrets"
}
