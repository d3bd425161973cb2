package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// errKey says that no algorithm is known for a key.
var errKey = errors.New("private key is neither an elliptic one on the curve P-256 nor an RSA one: take the key that the provider has issued")

// header is in this order in each token, so that equal tokens have equal bytes.
type header struct {
	Type      string `json:"typ"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid,omitempty"`
}

// Sign is the token of claims, which are marshalled as JSON. keyID names the key to who
// checks the token; it may be empty. An elliptic key gives equal claims equal bytes
// (RFC 6979), so that processes that share it show one token without talking.
func Sign(key crypto.Signer, keyID string, claims any) (string, error) {
	h := header{Type: "JWT", Algorithm: "ES256", KeyID: keyID}
	sign := signES256
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() {
			return "", errKey
		}
	case *rsa.PrivateKey:
		h.Algorithm, sign = "PS256", signPS256
	default:
		return "", errKey
	}
	text, err := encode(h, claims)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(text))
	signature, err := sign(key, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// encode is what is signed.
func encode(h header, claims any) (string, error) {
	head, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("write the header of a token: %w", err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("write the claims of a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body), nil
}

// signES256 is the signature as JWS has it: the two numbers with 32 bytes each.
func signES256(key crypto.Signer, digest []byte) ([]byte, error) {
	text, err := key.Sign(nil, digest, crypto.SHA256) // without chance: RFC 6979
	if err != nil {
		return nil, err //nolint:wrapcheck // Sign says what was done
	}
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(text, &numbers); err != nil {
		return nil, err //nolint:wrapcheck // Sign says what was done
	}
	signature := make([]byte, 64)
	numbers.R.FillBytes(signature[:32])
	numbers.S.FillBytes(signature[32:])
	return signature, nil
}

func signPS256(key crypto.Signer, digest []byte) ([]byte, error) {
	return key.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}) //nolint:wrapcheck // Sign says what was done
}
