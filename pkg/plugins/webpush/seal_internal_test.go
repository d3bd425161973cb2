package webpush

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

func raw(t *testing.T, text string) []byte {
	t.Helper()
	b, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func private(t *testing.T, text string) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.P256().NewPrivateKey(raw(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The vector of RFC 8291, section 5 and appendix A.
const (
	vectorText   = "When I grow up, I want to be a watermelon"
	vectorAuth   = "BTBZMqHH6r4Tts7J_aSIgg"
	vectorSalt   = "DGv6ra1nlYgDCS1FRnbzlw"
	vectorSender = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	vectorOwner  = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	vectorPublic = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	vectorBody   = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)

func vectorSubscription(t *testing.T) *subscription {
	t.Helper()
	public, err := ecdh.P256().NewPublicKey(raw(t, vectorPublic))
	if err != nil {
		t.Fatal(err)
	}
	return &subscription{public: public, auth: raw(t, vectorAuth)}
}

func TestSealIsThatOfRFC8291(t *testing.T) {
	t.Parallel()
	s := vectorSubscription(t)
	body, err := s.sealWith([]byte("before"), []byte(vectorText), private(t, vectorSender), [saltBytes]byte(raw(t, vectorSalt)))
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.RawURLEncoding.EncodeToString(body[len("before"):]); got != vectorBody || string(body[:6]) != "before" {
		t.Errorf("the body is %s, want %s", got, vectorBody)
	}
}

var errBody = errors.New("the body cannot be decrypted")

// unseal reads a body as the RFCs tell its receiver to.
func unseal(owner *ecdh.PrivateKey, auth, body []byte) ([]byte, error) {
	if len(body) < 86+17 || body[20] != 65 {
		return nil, errBody
	}
	salt, size, sender, record := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86], body[86:]
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil || int(size) < len(record) {
		return nil, errBody
	}
	shared, err := owner.ECDH(public)
	if err != nil {
		return nil, errBody
	}
	ikm, _ := hkdf.Key(sha256.New, shared, auth, "WebPush: info\x00"+string(owner.PublicKey().Bytes())+string(sender), 32)
	cek, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	block, _ := aes.NewCipher(cek)
	gcm, _ := cipher.NewGCM(block)
	text, err := gcm.Open(nil, nonce, record, nil)
	if err != nil || len(text) == 0 || text[len(text)-1] != 2 {
		return nil, errBody
	}
	return text[:len(text)-1], nil
}

// TestTheReceiverIsThatOfTheRFCs: what the other tests read bodies with.
func TestTheReceiverIsThatOfTheRFCs(t *testing.T) {
	t.Parallel()
	owner := private(t, vectorOwner)
	if text, err := unseal(owner, raw(t, vectorAuth), raw(t, vectorBody)); err != nil || string(text) != vectorText {
		t.Errorf("%q, %v", text, err)
	}
	// RFC 8188, section 3.1: the derivation without Web Push's own step.
	ikm, body := raw(t, "yqdlZ-tYemfogSmv7Ws5PQ"), raw(t, "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg")
	cek, _ := hkdf.Key(sha256.New, ikm, body[:16], "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, ikm, body[:16], "Content-Encoding: nonce\x00", 12)
	block, _ := aes.NewCipher(cek)
	gcm, _ := cipher.NewGCM(block)
	if text, err := gcm.Open(nil, nonce, body[21:], nil); err != nil || string(text) != "I am the walrus\x02" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestSealForADevice: whoever has the keys of the device's subscription reads it, and a
// device without keys is refused.
func TestSealForADevice(t *testing.T) {
	t.Parallel()
	d := push.Device{Token: "https://push.example.com/1", Extra: &push.Extra{Keys: push.Keys{P256DH: vectorPublic, Auth: vectorAuth}}}
	body, err := Seal([]byte("before"), []byte(vectorText), d)
	if err != nil {
		t.Fatal(err)
	}
	text, err := unseal(private(t, vectorOwner), raw(t, vectorAuth), body[len("before"):])
	if err != nil || string(text) != vectorText || string(body[:6]) != "before" {
		t.Errorf("%q, %v", text, err)
	}
	d.Extra = nil
	if _, err := Seal(nil, []byte(vectorText), d); !errors.Is(err, errKeys) {
		t.Errorf("without keys: %v, want %v", err, errKeys)
	}
}

// TestSeal: the owner of the subscription reads it, of any length; nobody else does, and
// one changed byte is refused wherever it is. No key and no salt is used twice.
func TestSeal(t *testing.T) {
	t.Parallel()
	s, owner, auth := vectorSubscription(t), private(t, vectorOwner), raw(t, vectorAuth)
	seen := make(map[string]bool)
	for _, text := range []string{"", "hello", strings.Repeat("x", 3993), strings.Repeat("x", 5000)} {
		body, err := s.seal(nil, []byte(text))
		if err != nil || len(body) != len(text)+overhead {
			t.Fatalf("%d bytes for %d: %v", len(body), len(text), err)
		}
		if got, err := unseal(owner, auth, body); err != nil || string(got) != text {
			t.Errorf("the owner reads %q, %v", got, err)
		}
		for _, part := range []string{string(body[:16]), string(body[21:86])} {
			if seen[part] {
				t.Error("a salt or a key is used twice")
			}
			seen[part] = true
		}
		if _, err := unseal(private(t, vectorSender), auth, body); err == nil {
			t.Error("another key reads it")
		}
		if _, err := unseal(owner, raw(t, vectorSalt), body); err == nil {
			t.Error("another secret reads it")
		}
		for i := range min(len(body), 200) {
			if i >= 16 && i < 21 {
				continue // the sizes are no secret: a greater record size is harmless
			}
			changed := bytes.Clone(body)
			changed[i] ^= 1
			if _, err := unseal(owner, auth, changed); err == nil {
				t.Errorf("a body with byte %d changed is read", i)
			}
		}
	}
}

// TestSealShared: one message is encrypted for many at the same time, and stays as it is.
func TestSealShared(t *testing.T) {
	t.Parallel()
	s, owner, auth := vectorSubscription(t), private(t, vectorOwner), raw(t, vectorAuth)
	text := append(make([]byte, 0, 100), "hello"...)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			body, err := s.seal(nil, text)
			if got, _ := unseal(owner, auth, body); err != nil || string(got) != "hello" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
}

// TestVAPIDIsThatOfRFC8292: the vector of section 2.4 verifies by the way in which ours is
// verified, and ours says what the RFC wants.
func TestVAPIDIsThatOfRFC8292(t *testing.T) {
	t.Parallel()
	vector := "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
	if got := verified(t, vector); got != `{"aud":"https://push.example.net","exp":1453523768,"sub":"mailto:push@example.com"}` {
		t.Errorf("the vector says %s", got)
	}
	key, err := parseSecret(vectorSender)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1453500000, 0)
	ours, err := key.authorization("https://push.example.net", "mailto:push@example.com", now)
	if err != nil {
		t.Fatal(err)
	}
	if got := verified(t, ours); got != `{"aud":"https://push.example.net","exp":1453543200,"sub":"mailto:push@example.com"}` {
		t.Errorf("ours says %s", got)
	}
	again, _ := key.authorization("https://push.example.net", "mailto:push@example.com", now)
	if ours != again {
		t.Error("two processes show different headers for equal claims")
	}
}

// verified is what a header claims whose signature is in order.
func verified(t *testing.T, header string) string {
	t.Helper()
	token, key, _ := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts", len(parts))
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw(t, key))
	if err != nil {
		t.Fatal(err)
	}
	sum, signature := sha256.Sum256([]byte(parts[0]+"."+parts[1])), raw(t, parts[2])
	if len(signature) != 64 || !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Fatal("the signature is wrong")
	}
	if head := string(raw(t, parts[0])); head != `{"typ":"JWT","alg":"ES256"}` {
		t.Fatalf("the header is %s", head)
	}
	return string(raw(t, parts[1]))
}
