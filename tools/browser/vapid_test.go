package browser_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// mismatch is how RFC 8292's answer is worded by Google's server; the handler looks for it.
const mismatch = "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions."

var vapid = regexp.MustCompile(`^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), *k=([\w-]+)$`)

// authorized judges who sends a push (RFC 8292): the status, and why it is refused.
func authorized(header, origin, subscribed string) (status int, reason string) {
	m := vapid.FindStringSubmatch(header)
	if m == nil {
		return http.StatusUnauthorized, "Authorization is not of the scheme vapid"
	}
	head, claims, key := m[1], m[2], m[4]
	if !signed(head+"."+claims, m[3], key) {
		return http.StatusUnauthorized, "the signature is not that of the key"
	}
	var h struct{ Typ, Alg string }
	var c struct {
		Aud, Sub string
		Exp      int64
	}
	if !decode(head, &h) || !decode(claims, &c) || h.Typ != "JWT" || h.Alg != "ES256" {
		return http.StatusUnauthorized, "the token is no JWT of ES256"
	}
	now := time.Now()
	switch ends := time.Unix(c.Exp, 0); {
	case c.Aud != origin:
		return http.StatusUnauthorized, "the token is for " + c.Aud
	case !ends.After(now) || ends.After(now.Add(24*time.Hour)):
		return http.StatusUnauthorized, "the token has ended, or ends too late"
	case !strings.HasPrefix(c.Sub, "mailto:"):
		return http.StatusUnauthorized, "the token does not say who sends"
	case key != subscribed:
		return http.StatusForbidden, mismatch
	}
	return http.StatusCreated, ""
}

// signed reports whether signature, r and s, is that of text by key, both in base64url.
func signed(text, signature, key string) bool {
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return false
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return false
	}
	rs, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(rs) != 64 {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	return ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(rs[:32]), new(big.Int).SetBytes(rs[32:]))
}

func decode(text string, into any) bool {
	data, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(data, into) == nil
}
