package apns_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/apns"
)

const (
	device = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	alert  = `{"aps":{"alert":"hello"}}`
)

// client is one connection to a fake.
type client struct {
	*testing.T
	*http.Client
	fake *apns.Server
	p8   []byte
}

func start(t *testing.T, o apns.Options) *client {
	t.Helper()
	s, err := apns.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return (&client{T: t, fake: s, p8: s.Key()}).another()
}

// another is a further connection.
func (c *client) another() *client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.fake.CAPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, MaxConnsPerHost: 1}
	c.Cleanup(transport.CloseIdleConnections)
	return &client{T: c.T, Client: &http.Client{Transport: transport}, fake: c.fake, p8: c.p8}
}

// token signs a provider token with random, as golang's ecdsa does by itself.
func (c *client) token(p8 []byte, kid, team string, age time.Duration) string {
	c.Helper()
	block, _ := pem.Decode(p8)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		c.Fatal(err)
	}
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(map[string]string{"alg": "ES256", "kid": kid}) + "." + part(map[string]any{"iss": team, "iat": time.Now().Add(-age).Unix()})
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		c.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return "bearer " + text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (c *client) good() string { return c.token(c.p8, apns.DefaultKeyID, apns.DefaultTeamID, 0) }

// send makes one request; headers are added to those of an alert, or removed if empty.
func (c *client) send(method, path, body, token string, headers ...string) (status int, reason string, h http.Header) {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.fake.URL()+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	for name, value := range map[string]string{
		"authorization": token, "apns-topic": "com.example.app", "apns-push-type": "alert", "apns-id": "11111111-1111-4111-8111-111111111111",
	} {
		req.Header.Set(name, value)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	for name := range req.Header {
		if req.Header.Get(name) == "" {
			req.Header.Del(name)
		}
	}
	resp, err := c.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	var said struct{ Reason string }
	_ = json.Unmarshal(text, &said)
	return resp.StatusCode, said.Reason, resp.Header
}

// TestRules: each rule of Apple's documents has its answer.
func TestRules(t *testing.T) {
	t.Parallel()
	c := start(t, apns.Options{})
	token := c.good()
	const path = "/3/device/" + device
	long := func(n int) string { return `{"aps":{"alert":"` + strings.Repeat("x", n-len(alert)+5) + `"}}` }
	for name, r := range map[string]struct {
		path, body string
		headers    []string
		want       string
	}{
		"an alert":                   {path, alert, nil, "200 "},
		"all headers":                {path, alert, []string{"apns-priority: 5", "apns-expiration: 0", "apns-collapse-id: one"}, "200 "},
		"a background push":          {path, `{"aps":{"content-available":1}}`, []string{"apns-push-type: background", "apns-priority: 5"}, "200 "},
		"a badge alone":              {path, `{"aps":{"badge":0},"a":"b"}`, nil, "200 "},
		"wrong path":                 {"/3/devices/x", alert, nil, "404 BadPath"},
		"no token":                   {"/3/device/", alert, nil, "400 MissingDeviceToken"},
		"no hexadecimal token":       {"/3/device/" + strings.Repeat("x", 64), alert, nil, "400 BadDeviceToken"},
		"a token of the sandbox":     {"/3/device/5a" + device[2:], alert, nil, "400 BadDeviceToken"},
		"no topic":                   {path, alert, []string{"apns-topic: "}, "400 MissingTopic"},
		"no push type":               {path, alert, []string{"apns-push-type: "}, "400 InvalidPushType"},
		"topic of another type":      {path, alert, []string{"apns-topic: com.example.app.voip"}, "400 BadTopic"},
		"voip to the plain topic":    {path, alert, []string{"apns-push-type: voip"}, "400 BadTopic"},
		"voip to an alert's token":   {path, alert, []string{"apns-push-type: voip", "apns-topic: com.example.app.voip"}, "400 DeviceTokenNotForTopic"},
		"priority 7":                 {path, alert, []string{"apns-priority: 7"}, "400 BadPriority"},
		"background at priority 10":  {path, `{"aps":{"content-available":1}}`, []string{"apns-push-type: background", "apns-priority: 10"}, "400 BadPriority"},
		"background with a sound":    {path, `{"aps":{"content-available":1,"sound":"x"}}`, []string{"apns-push-type: background", "apns-priority: 5"}, "400 InvalidPushType"},
		"alert that shows nothing":   {path, `{"aps":{"content-available":1}}`, nil, "400 InvalidPushType"},
		"expiration in words":        {path, alert, []string{"apns-expiration: tomorrow"}, "400 BadExpirationDate"},
		"id in capitals":             {path, alert, []string{"apns-id: AAAAAAAA-1111-4111-8111-111111111111"}, "400 BadMessageId"},
		"long collapse id":           {path, alert, []string{"apns-collapse-id: " + strings.Repeat("x", 65)}, "400 BadCollapseId"},
		"no body":                    {path, "", nil, "400 PayloadEmpty"},
		"as much as may be":          {path, long(4096), nil, "200 "},
		"too much":                   {path, long(4097), nil, "413 PayloadTooLarge"},
		"no aps":                     {path, `{"alert":"x"}`, nil, "400 BadPayload"},
		"a member that aps has not":  {path, `{"aps":{"alert":"x","id":1}}`, nil, "400 BadPayload"},
		"an alert that has not this": {path, `{"aps":{"alert":{"text":"x"}}}`, nil, "400 BadPayload"},
		"a badge that is a text":     {path, `{"aps":{"badge":"1"}}`, nil, "400 BadPayload"},
	} {
		if name == "voip to an alert's token" {
			c.send(http.MethodPost, path, alert, token) // whose topic the first push decides
		}
		status, reason, header := c.send(http.MethodPost, r.path, r.body, token, r.headers...)
		if got := fmt.Sprint(status, " ", reason); got != r.want || header.Get("apns-id") == "" {
			t.Errorf("%s: %s, apns-id %q, want %s", name, got, header.Get("apns-id"), r.want)
		}
	}
	if status, reason, _ := c.send(http.MethodGet, path, "", token); status != 405 || reason != "MethodNotAllowed" {
		t.Errorf("GET: %d %s", status, reason)
	}
}

// TestProviderTokens: which are taken, by themselves and on one connection.
func TestProviderTokens(t *testing.T) {
	t.Parallel()
	c := start(t, apns.Options{})
	other, err := c.fake.AddKey("OTHERKEY01")
	if err != nil {
		t.Fatal(err)
	}
	good := c.good()
	kid, team := apns.DefaultKeyID, apns.DefaultTeamID
	ask := func(c *client, token string) string {
		status, reason, _ := c.send(http.MethodPost, "/3/device/"+device, alert, token)
		return fmt.Sprint(status, " ", reason)
	}
	for name, r := range map[string]struct{ token, want string }{
		"none":                       {"", "403 MissingProviderToken"},
		"no JWT":                     {"bearer x", "403 InvalidProviderToken"},
		"a changed byte":             {good[:len(good)-8] + "AAAAAAAA", "403 InvalidProviderToken"},
		"signed by the other key":    {c.token(other, kid, team, 0), "403 InvalidProviderToken"},
		"of another team":            {c.token(c.p8, kid, "OTHERTEAM1", 0), "403 InvalidProviderToken"},
		"older than an hour":         {c.token(c.p8, kid, team, 61*time.Minute), "403 ExpiredProviderToken"},
		"not yet issued":             {c.token(c.p8, kid, team, -2*time.Minute), "403 InvalidProviderToken"},
		"nearly an hour old":         {c.token(c.p8, kid, team, 59*time.Minute), "200 "},
		"the other key's, and valid": {c.token(other, "OTHERKEY01", team, 0), "200 "},
	} {
		if got := ask(c.another(), r.token); got != r.want {
			t.Errorf("%s: %s, want %s", name, got, r.want)
		}
	}
	one, two := c.another(), c.another()
	got := []string{
		ask(one, good), ask(one, c.token(other, "OTHERKEY01", team, 0)), ask(one, good),
		ask(two, good), ask(two, c.token(c.p8, kid, team, time.Minute)), ask(two, good),
	}
	want := []string{
		"200 ", "403 UnrelatedKeyIdInToken", "200 ",
		"200 ", "429 TooManyProviderTokenUpdates", "429 TooManyProviderTokenUpdates",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("two connections (-want +got):\n%s", diff)
	}
	c.fake.Revoke()
	if got := ask(c.another(), good); got != "403 InvalidProviderToken" {
		t.Errorf("a revoked key: %s", got)
	}
	if _, err := c.fake.AddKey(kid); err != nil {
		t.Fatal(err)
	}
	if got := ask(c.another(), good); got != "403 InvalidProviderToken" {
		t.Errorf("a revoked key, whose id another has now: %s", got)
	}
}

// TestGoneSince: a 410 says since when, each time alike.
func TestGoneSince(t *testing.T) {
	t.Parallel()
	script, err := apns.ParseScript([]byte(`{"rules":[{"answer":"unregistered"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, apns.Options{Options: fake.Options{Script: script}})
	var bodies []string
	for range 2 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, c.fake.URL()+"/3/device/"+device, strings.NewReader(alert))
		req.Header = http.Header{"Authorization": {c.good()}, "Apns-Topic": {"com.example.app"}, "Apns-Push-Type": {"alert"}}
		resp, err := c.another().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		bodies = append(bodies, string(text))
	}
	var said struct {
		Reason    string
		Timestamp int64
	}
	if err := json.Unmarshal([]byte(bodies[0]), &said); err != nil || bodies[0] != bodies[1] ||
		said.Reason != "Unregistered" || time.Since(time.UnixMilli(said.Timestamp)) > time.Minute {
		t.Errorf("said %q, %v", bodies, err)
	}
}

// TestOnlyHTTP2: nothing else is spoken.
func TestOnlyHTTP2(t *testing.T) {
	t.Parallel()
	c := start(t, apns.Options{})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.fake.CAPEM())
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}}}}
	if resp, err := old.Get(c.fake.URL() + "/fake/stats"); err == nil {
		_ = resp.Body.Close()
		t.Errorf("HTTP/1.1 is answered: %s", resp.Status)
	}
}
