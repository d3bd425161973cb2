package webpush_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/webpush"
)

// client sends pushes as the RFCs want them, but for what a test changes.
type client struct {
	*testing.T
	server *webpush.Server
	key    *ecdsa.PrivateKey

	claims map[string]any
	header http.Header
	method string
	path   string
	text   []byte // with its delimiter
	change func(body []byte) []byte
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(key *ecdsa.PrivateKey) string {
	b, _ := key.PublicKey.Bytes()
	return encoded(b)
}

func start(t *testing.T, o webpush.Options, rules string) *webpush.Server {
	t.Helper()
	script, err := webpush.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	o.Script = script
	s, err := webpush.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newClient(t *testing.T, s *webpush.Server, key *ecdsa.PrivateKey) *client {
	t.Helper()
	return &client{
		T: t, server: s, key: key, method: http.MethodPost, path: "/push/phone", text: []byte("hello\x02"),
		claims: map[string]any{"aud": s.URL(), "exp": time.Now().Add(time.Hour).Unix(), "sub": "mailto:a@example.com"},
		header: http.Header{"Ttl": {"60"}, "Urgency": {"high"}, "Topic": {"one"}, "Content-Encoding": {"aes128gcm"}},
		change: func(body []byte) []byte { return body },
	}
}

// authorization signs the claims.
func (c *client) authorization() string {
	claims, _ := json.Marshal(c.claims)
	text := encoded([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + encoded(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, c.key, sum[:])
	if err != nil {
		c.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return "vapid t=" + text + "." + encoded(signature) + ", k=" + public(c.key)
}

// body encrypts the text (RFC 8291).
func (c *client) body() []byte {
	sub := c.server.Subscription("phone")
	raw, _ := base64.RawURLEncoding.DecodeString(sub.Keys.P256DH)
	auth, _ := base64.RawURLEncoding.DecodeString(sub.Keys.Auth)
	receiver, err := ecdh.P256().NewPublicKey(raw)
	if err != nil {
		c.Fatal(err)
	}
	own, _ := ecdh.P256().GenerateKey(rand.Reader)
	shared, err := own.ECDH(receiver)
	if err != nil {
		c.Fatal(err)
	}
	salt := []byte("0123456789abcdef")
	ikm, _ := hkdf.Key(sha256.New, shared, auth, "WebPush: info\x00"+string(raw)+string(own.PublicKey().Bytes()), 32)
	cek, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	block, _ := aes.NewCipher(cek)
	gcm, _ := cipher.NewGCM(block)
	head := append(bytes.Clone(salt), 0, 0, 16, 0, 65)
	return c.change(append(append(head, own.PublicKey().Bytes()...), gcm.Seal(nil, nonce, c.text, nil)...))
}

func (c *client) send() (status int, body string) {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), c.method, c.server.URL()+c.path, bytes.NewReader(c.body()))
	if err != nil {
		c.Fatal(err)
	}
	req.Header = c.header
	if _, given := c.header["Authorization"]; !given {
		req.Header.Set("Authorization", c.authorization())
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	if resp.StatusCode == http.StatusCreated && resp.Header.Get("Location") == "" {
		c.Error("a push that is taken has no Location")
	}
	return resp.StatusCode, string(text)
}

// TestAPushServerIsStrict: what the RFCs allow is taken and decrypted, and nothing else.
func TestAPushServerIsStrict(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	header := func(name, value string) func(*client) { return func(c *client) { c.header.Set(name, value) } }
	claim := func(name string, value any) func(*client) { return func(c *client) { c.claims[name] = value } }
	body := func(change func([]byte) []byte) func(*client) { return func(c *client) { c.change = change } }
	for name, test := range map[string]struct {
		change func(*client)
		status int
		says   string
	}{
		"in order":         {func(*client) {}, 201, ""},
		"padded":           {func(c *client) { c.text = append(c.text, make([]byte, 100)...) }, 201, ""},
		"no TTL":           {func(c *client) { c.header.Del("TTL") }, 400, "TTL is missing"},
		"TTL of 0":         {header("TTL", "0"), 400, "TTL"},
		"TTL of no number": {header("TTL", "soon"), 400, "TTL"},
		"too long a TTL":   {header("TTL", "2419201"), 400, "TTL"},
		"urgency":          {header("Urgency", "urgent"), 400, "Urgency"},
		"long topic":       {header("Topic", strings.Repeat("a", 33)), 400, "Topic"},
		"odd topic":        {header("Topic", "a b"), 400, "Topic"},
		"encoding":         {header("Content-Encoding", "aesgcm"), 400, "aes128gcm"},
		"draft":            {header("Crypto-Key", "dh=x"), 400, "draft"},
		"GET":              {func(c *client) { c.method = http.MethodGet }, 400, "GET"},
		"another path":     {func(c *client) { c.path = "/phone" }, 404, ""},
		"no VAPID":         {header("Authorization", ""), 401, "authorization header must"},
		"VAPID of a draft": {header("Authorization", "WebPush x.y.z"), 403, "form"},
		"another key":      {func(c *client) { c.key = other }, 403, "do not correspond"},
		"another audience": {claim("aud", "https://push.example.com"), 403, "aud"},
		"past":             {claim("exp", time.Now().Add(-time.Second).Unix()), 403, "past"},
		"too far ahead":    {claim("exp", time.Now().Add(25*time.Hour).Unix()), 403, "24 hours"},
		"no subject":       {claim("sub", ""), 403, "sub"},
		"doubled mailto":   {claim("sub", "mailto:mailto:a@example.com"), 403, "sub"},
		"signed by another": {func(c *client) {
			ours, _, _ := strings.Cut(c.authorization(), ", k=")
			c.header.Set("Authorization", ours+", k="+public(other))
		}, 403, "signature"},
		"a changed byte": {body(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), 400, "encrypted"},
		"another salt":   {body(func(b []byte) []byte { b[0] ^= 1; return b }), 400, "encrypted"},
		"cut":            {body(func(b []byte) []byte { return b[:90] }), 400, "shorter"},
		"no point":       {body(func(b []byte) []byte { b[30] ^= 1; return b }), 400, "P-256"},
		"several records": {body(func(b []byte) []byte {
			copy(b[16:20], []byte{0, 0, 0, 18})
			return b
		}), 400, "record"},
		"no last record": {func(c *client) { c.text = []byte("hello\x01") }, 400, "delimiter"},
		"too large":      {func(c *client) { c.text = append(make([]byte, 4000), 2) }, 413, ""},
	} {
		s := start(t, webpush.Options{Keys: []string{public(key)}}, "")
		c := newClient(t, s, key)
		test.change(c)
		status, text := c.send()
		if status != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s: %d %s, want %d and %q", name, status, text, test.status, test.says)
		}
		if got := s.Requests(); (s.Stats().Accepted == 1) != (test.status == 201) || test.status == 201 && string(got[0].Body) != "hello" {
			t.Errorf("%s: the server has taken %+v", name, got)
		}
	}
}

// TestSubscriptions: each name has one, in the form in which browsers give it, and no name
// is shown in the log.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := start(t, webpush.Options{Options: fake.Options{Log: &log}}, `{"token":"gone","answer":"gone"}`)
	resp, err := http.Get(s.URL() + "/subscription/gone")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var sub webpush.Subscription
	if err := json.NewDecoder(resp.Body).Decode(&sub); err != nil || sub != s.Subscription("gone") {
		t.Fatalf("%+v, %v", sub, err)
	}
	c := newClient(t, s, newKey(t))
	c.path = strings.TrimPrefix(sub.Endpoint, s.URL())
	if status, _ := c.send(); status != http.StatusGone {
		t.Errorf("status %d, want 410 as the script says", status)
	}
	if text := log.String(); !strings.Contains(text, `"answer":"gone"`) || strings.Contains(text, `"target":"gone"`) || strings.Contains(text, "hello") {
		t.Errorf("the log is %s", text)
	}
}

func TestStartRefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"x", "AAAA", public(newKey(t))[:80]} {
		if s, err := webpush.Start(webpush.Options{Keys: []string{key}}); err == nil {
			_ = s.Close()
			t.Errorf("it starts with the key %q", key)
		}
	}
	if s, err := webpush.Start(webpush.Options{Keys: []string{public(newKey(t))}}); err != nil {
		t.Errorf("a key in order: %v", err)
	} else {
		_ = s.Close()
	}
}
