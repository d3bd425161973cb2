package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/plugins/internal/jws"
)

type claims struct {
	Issuer string `json:"iss"`
	Issued int64  `json:"iat"`
}

func elliptical(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// pkcs8 is the key as providers issue it.
func pkcs8(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// A foreign library accepts the tokens, as signed with the algorithm of the key, and
// refuses one with a changed byte. Many keys: a number of a signature may be short.
func TestForeignVerifier(t *testing.T) {
	t.Parallel()
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[crypto.Signer]string{long: "PS256"}
	for range 300 {
		keys[elliptical(t, elliptic.P256())] = "ES256"
	}
	for key, algorithm := range keys {
		want := claims{Issuer: "TEAM123456", Issued: time.Now().Unix()}
		token, err := jws.Sign(key, "KEY1234567", want)
		if err != nil {
			t.Fatal(err)
		}
		parser := jwt.NewParser(jwt.WithValidMethods([]string{algorithm}))
		public := func(*jwt.Token) (any, error) { return key.Public(), nil }
		var got jwt.RegisteredClaims
		parsed, err := parser.ParseWithClaims(token, &got, public)
		if err != nil {
			t.Fatalf("the foreign library refuses the token: %v", err)
		}
		if diff := cmp.Diff(map[string]any{"typ": "JWT", "alg": algorithm, "kid": "KEY1234567"}, parsed.Header); diff != "" {
			t.Fatalf("header (-want +got):\n%s", diff)
		}
		if got.Issuer != want.Issuer || got.IssuedAt.Unix() != want.Issued {
			t.Fatalf("claims are %+v, want %+v", got, want)
		}
		other, _ := jws.Sign(key, "KEY1234567", claims{Issuer: "TEAM123457", Issued: want.Issued})
		mixed := token[:strings.LastIndexByte(token, '.')] + other[strings.LastIndexByte(other, '.'):]
		if _, err := parser.Parse(mixed, public); err == nil {
			t.Fatal("the signature of other claims was accepted")
		}
	}
}

// Two processes with one key show the same token without talking.
func TestEqualTokens(t *testing.T) {
	t.Parallel()
	text := pkcs8(t, elliptical(t, elliptic.P256()))
	var tokens [2]string
	for i := range tokens {
		key, err := jws.ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if tokens[i], err = jws.Sign(key, "", claims{"TEAM123456", 1767225600}); err != nil {
			t.Fatal(err)
		}
	}
	if tokens[0] != tokens[1] {
		t.Errorf("tokens differ:\n%s\n%s", tokens[0], tokens[1])
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	good := pkcs8(t, elliptical(t, elliptic.P256()))
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		want string // in the error; "" when the key is good
	}{
		"as Apple issues it":      {good, ""},
		"without line breaks":     {[]byte(strings.ReplaceAll(string(good), "\n", `\n`)), ""},
		"between spaces":          {[]byte(" \n" + string(good) + "\n "), ""},
		"no PEM":                  {[]byte("secret text"), "no PEM text"},
		"empty":                   {nil, "no PEM text"},
		"of another kind":         {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("secret")}), "PKCS #8"},
		"damaged":                 {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")}), "damaged"},
		"on another curve":        {pkcs8(t, elliptical(t, elliptic.P384())), "P-256"},
		"of an unknown algorithm": {pkcs8(t, edwards), "P-256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := jws.ParseKey(c.text)
			switch {
			case c.want == "":
				if err != nil || key == nil {
					t.Errorf("key %v, error %v", key, err)
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("error is %v, want one with %q", err, c.want)
			case strings.Contains(err.Error(), "secret"):
				t.Errorf("error quotes the key: %v", err)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	if token, err := jws.Sign(elliptical(t, elliptic.P384()), "", claims{}); err == nil {
		t.Errorf("a key of another curve has signed %q", token)
	}
	if token, err := jws.Sign(elliptical(t, elliptic.P256()), "", func() {}); err == nil {
		t.Errorf("claims that are no JSON gave %q", token)
	}
}
