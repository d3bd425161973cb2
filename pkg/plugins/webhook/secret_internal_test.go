package webhook

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The vectors of Standard Webhooks 1.0.0: v1 is that of its specification; v1a signs the
// same text with the seed of 32 times 7.
const (
	vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody   = `{"test": 2432232314}`
	vectorV1     = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	vectorV1a    = "v1a,2iFnCkcL0nCB7d0lgaT5vmGnQgJl4zcl9qd7UbPYvulcwR3MRYzjXT2JCSEV4dFH3XNALA4OW0zY5fFdGv9GBA=="
)

func secret(t *testing.T, text string) Secret {
	t.Helper()
	s, err := parseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ed25519Secret() string {
	return prefixPrivate + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	at := time.Unix(1614265330, 0)
	whole := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	for name, test := range map[string]struct {
		secrets []string
		want    string
	}{
		"v1":                      {[]string{vectorSecret}, vectorV1},
		"v1a, a seed":             {[]string{ed25519Secret()}, vectorV1a},
		"v1a, a key of two parts": {[]string{prefixPrivate + base64.StdEncoding.EncodeToString(whole)}, vectorV1a},
		"v1a, without padding":    {[]string{strings.TrimRight(ed25519Secret(), "=")}, vectorV1a},
		"rotation":                {[]string{ed25519Secret(), vectorSecret}, vectorV1a + " " + vectorV1},
	} {
		secrets := make([]Secret, len(test.secrets))
		for i, text := range test.secrets {
			secrets[i] = secret(t, text)
		}
		if got := signatures(secrets, vectorID, at, []byte(vectorBody)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// The official library takes what we sign, and nothing that was changed on its way.
func TestSignatureForTheOfficialLibrary(t *testing.T) {
	t.Parallel()
	receiver, err := standardwebhooks.NewWebhook(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	header := http.Header{}
	header.Set("webhook-id", vectorID)
	header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	header.Set("webhook-signature", signatures([]Secret{secret(t, ed25519Secret()), secret(t, vectorSecret)}, vectorID, now, []byte(vectorBody)))
	if err := receiver.Verify([]byte(vectorBody), header); err != nil {
		t.Errorf("it refuses what we sign: %v", err)
	}
	for i := range vectorBody {
		changed := []byte(vectorBody)
		changed[i] ^= 1
		if receiver.Verify(changed, header) == nil {
			t.Errorf("it takes a body with byte %d changed", i)
		}
	}
	for _, name := range []string{"webhook-id", "webhook-timestamp"} {
		other := header.Clone()
		other.Set(name, header.Get(name)+"0")
		if receiver.Verify([]byte(vectorBody), other) == nil {
			t.Errorf("it takes another %s", name)
		}
	}
}

func TestSecretsThatAreRefused(t *testing.T) {
	t.Parallel()
	encode := base64.StdEncoding.EncodeToString
	broken := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	broken[63] ^= 1 // the public half is of another key
	for name, text := range map[string]string{
		"nothing":         "",
		"no prefix":       encode(bytes.Repeat([]byte{1}, 32)),
		"public key":      "whpk_" + encode(bytes.Repeat([]byte{1}, 32)),
		"too short":       prefixShared + encode(bytes.Repeat([]byte{1}, minShared-1)),
		"too long":        prefixShared + encode(bytes.Repeat([]byte{1}, maxShared+1)),
		"no base64":       prefixShared + strings.Repeat("!", 32),
		"private, short":  prefixPrivate + encode(bytes.Repeat([]byte{1}, 31)),
		"private, halves": prefixPrivate + encode(broken),
	} {
		if _, err := parseSecret(text); err == nil {
			t.Errorf("%s is taken", name)
		} else if len(text) > 8 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("%s: the error quotes it: %v", name, err)
		}
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	s := secret(t, vectorSecret)
	text, err := json.Marshal([]Secret{s})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d %s", s, s, s, s, s, s, s, text)
	for _, part := range []string{"MfKQ9r8G", hex.EncodeToString(s.shared[:4]), fmt.Sprintf("%d", s.shared[:2])[1:6]} {
		if strings.Contains(all, part) {
			t.Errorf("it is shown: %s", all)
		}
	}
}
