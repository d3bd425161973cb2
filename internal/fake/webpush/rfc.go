package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

const (
	authBytes = 16
	// headBytes are those of a body before its record: salt, size, length of the key, key.
	headBytes = 16 + 4 + 1 + 65
	tagBytes  = 16
	// maxBody is what push servers have to take (RFC 8030, section 7.2), and take.
	maxBody = 4096
	// maxTTL is four weeks.
	maxTTL = 2_419_200
	// maxClaim is how far ahead a claim may end (RFC 8292, section 2).
	maxClaim = 24 * time.Hour
)

// malformed says why a request is none of RFC 8030.
func malformed(c *fake.Call) string {
	ttl, err := strconv.Atoi(c.Header("ttl"))
	urgency, topic := c.Header("urgency"), c.Header("topic")
	switch {
	case c.Method != http.MethodPost:
		return "the method is " + c.Method + ", not POST"
	case c.Header("ttl") == "":
		return "TTL is missing"
	case err != nil || ttl < 1 || ttl > maxTTL:
		return "TTL is no number of seconds between 1 and 2419200: 0 is refused as Microsoft's servers do"
	case urgency != "" && !slices.Contains([]string{"very-low", "low", "normal", "high"}, urgency):
		return "Urgency is none of very-low, low, normal, high"
	case len(topic) > 32 || strings.Trim(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "":
		return "Topic is not of at most 32 characters of base64url"
	case c.Header("content-encoding") != "aes128gcm":
		return "Content-Encoding is not aes128gcm"
	case c.Header("encryption") != "" || c.Header("crypto-key") != "":
		return "Encryption or Crypto-Key is of a draft"
	}
	return ""
}

func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(text) //nolint:wrapcheck // the caller's words are better
}

func parseKey(text string) (*ecdsa.PublicKey, error) {
	raw, err := decode(text)
	if err != nil {
		return nil, err
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw) //nolint:wrapcheck // as above
}

// unsigned is the answer to who does not show as RFC 8292 wants it that the key is one
// of the subscriptions', and why; empty when it is.
func (s *Server) unsigned(c *fake.Call) (answer, why string) {
	header := c.Header("authorization")
	if header == "" {
		return noVAPID, ""
	}
	rest, ok := strings.CutPrefix(header, "vapid ")
	params := make(map[string]string)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		params[name] = value
	}
	parts := strings.Split(params["t"], ".")
	key, err := parseKey(params["k"])
	if !ok || err != nil || len(parts) != 3 {
		return badVAPID, "Authorization is not of the form vapid t=…, k=…"
	}
	signature, err := decode(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || len(signature) != 64 || !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return badVAPID, "the signature is not of the key"
	}
	if why := s.unclaimed(parts[0], parts[1], c.Now); why != "" {
		return badVAPID, why
	}
	if len(s.keys) > 0 && !slices.ContainsFunc(s.keys, func(k *ecdsa.PublicKey) bool { return k.Equal(key) }) {
		return mismatch, ""
	}
	return "", ""
}

// unclaimed says why a token's header and claims are not those of RFC 8292, section 2.
func (s *Server) unclaimed(header, claims string, now time.Time) string {
	var head struct{ Typ, Alg string }
	var says struct {
		Aud, Sub string
		Exp      int64
	}
	one, errOne := decode(header)
	two, errTwo := decode(claims)
	if errOne != nil || errTwo != nil || json.Unmarshal(one, &head) != nil || json.Unmarshal(two, &says) != nil {
		return "the token is no JWT"
	}
	left := time.Unix(says.Exp, 0).Sub(now)
	switch {
	case head.Typ != "JWT" || head.Alg != "ES256":
		return "the token's header is not typ JWT, alg ES256"
	case says.Aud != s.URL():
		return "aud is not the origin of the endpoint"
	case left <= 0:
		return "exp is past"
	case left > maxClaim:
		return "exp is more than 24 hours ahead"
	case !strings.HasPrefix(says.Sub, "mailto:") && !strings.HasPrefix(says.Sub, "https:") || strings.Contains(says.Sub, "mailto:mailto:"):
		return "sub is no mailto: or https: address"
	}
	return ""
}

// open decrypts a body as the subscription's owner does (RFC 8188, RFC 8291), or says why
// that is not possible.
func (s *Server) open(body []byte) (text []byte, why string) {
	if len(body) < headBytes+1+tagBytes {
		return nil, "the body is shorter than its header and a record"
	}
	salt, size, sender, record := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:headBytes], body[headBytes:]
	public, err := ecdh.P256().NewPublicKey(sender)
	switch {
	case body[20] != 65 || err != nil:
		return nil, "the body's key is no point of P-256 with 65 bytes"
	case size < 18 || len(record) > int(size):
		return nil, "the body is not one record of its size"
	}
	gcm, nonce, err := s.cipher(public, salt)
	if err != nil {
		return nil, "the body's key cannot be used"
	}
	padded, err := gcm.Open(nil, nonce, record, nil)
	if err != nil {
		return nil, "the body is not encrypted for this subscription"
	}
	padded = []byte(strings.TrimRight(string(padded), "\x00"))
	if len(padded) == 0 || padded[len(padded)-1] != 2 {
		return nil, "the body's record does not end with the delimiter of the last one"
	}
	return padded[:len(padded)-1], ""
}

func (s *Server) cipher(sender *ecdh.PublicKey, salt []byte) (cipher.AEAD, []byte, error) {
	shared, err := s.owner.ECDH(sender)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // the caller's words are better
	}
	info := "WebPush: info\x00" + string(s.owner.PublicKey().Bytes()) + string(sender.Bytes())
	ikm, _ := hkdf.Key(sha256.New, shared, s.auth, info, 32) // fails for absurd lengths only
	cek, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // as above
	}
	gcm, err := cipher.NewGCM(block)
	return gcm, nonce, err //nolint:wrapcheck // as above
}
