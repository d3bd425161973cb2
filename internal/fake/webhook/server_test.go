package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/webhook"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func start(t *testing.T, rules string) *webhook.Server {
	t.Helper()
	script, err := webhook.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := webhook.Start(webhook.Options{Options: fake.Options{Script: script}, Secrets: []string{secret}})
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

// request is one as the official library signs it.
func request(t *testing.T, s *webhook.Server, at time.Time, body string) *http.Request {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign("msg_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/any/path", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", "msg_1")
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	return req
}

func do(t *testing.T, req *http.Request) (status int, body string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const event = `{"type":"push.message","timestamp":"2026-07-04T12:00:00Z","data":{"receipt":{"to":{"ARAAAAAAAAA":{}},"channel":"chnA"},"devices":[{"user":"ARAAAAAAAAA","id":"phone","kind":"voip"}]}}`

// TestAReceiverIsStrict: what the official library signs is taken, and nothing else.
func TestAReceiverIsStrict(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct {
		at     time.Time
		body   string
		change func(*http.Request)
		status int
	}{
		"in order": {now, event, func(*http.Request) {}, 204},
		"several signatures": {now, event, func(r *http.Request) {
			r.Header.Set("Webhook-Signature", "v1,AAAA v1a,AAAA "+r.Header.Get("Webhook-Signature"))
		}, 204},
		"four minutes late":      {now.Add(-4 * time.Minute), event, func(*http.Request) {}, 204},
		"six minutes late":       {now.Add(-6 * time.Minute), event, func(*http.Request) {}, 401},
		"six minutes early":      {now.Add(6 * time.Minute), event, func(*http.Request) {}, 401},
		"another id":             {now, event, func(r *http.Request) { r.Header.Set("Webhook-Id", "msg_2") }, 401},
		"no signature":           {now, event, func(r *http.Request) { r.Header.Del("Webhook-Signature") }, 401},
		"signature of no scheme": {now, event, func(r *http.Request) { r.Header.Set("Webhook-Signature", "v9"+r.Header.Get("Webhook-Signature")[2:]) }, 401},
		"no time":                {now, event, func(r *http.Request) { r.Header.Del("Webhook-Timestamp") }, 401},
		"no id":                  {now, event, func(r *http.Request) { r.Header.Del("Webhook-Id") }, 400},
		"id with a dot":          {now, event, func(r *http.Request) { r.Header.Set("Webhook-Id", "a.b") }, 400},
		"no JSON type":           {now, event, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 400},
		"GET":                    {now, event, func(r *http.Request) { r.Method = http.MethodGet }, 400},
		"no JSON":                {now, "hello", func(*http.Request) {}, 400},
		"two values":             {now, event + "{}", func(*http.Request) {}, 400},
		"no data":                {now, `{"type":"push.message","timestamp":"2026-07-04T12:00:00Z"}`, func(*http.Request) {}, 400},
		"a type of no letters":   {now, `{"type":"push message","timestamp":"2026-07-04T12:00:00Z","data":{}}`, func(*http.Request) {}, 400},
	} {
		s := start(t, "")
		req := request(t, s, test.at, test.body)
		test.change(req)
		if status, body := do(t, req); status != test.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, test.status)
		}
		if n := s.Stats().Accepted; (n == 1) != (test.status == 204) {
			t.Errorf("%s: %d are accepted", name, n)
		}
	}
}

// TestReportsNameEverybody: the answers of part success are made of the request.
func TestReportsNameEverybody(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"undelivered": `{"undelivered":[{"user":"ARAAAAAAAAA"},{"channel":"chnA"}],"version":1}`,
		"gone":        `{"gone":[{"id":"phone","kind":"voip","user":"ARAAAAAAAAA"}],"version":1}`,
	} {
		s := start(t, `{"answer":"`+answer+`"}`)
		status, body := do(t, request(t, s, time.Now(), event))
		if status != 200 || body != want || !json.Valid([]byte(body)) || s.Stats().Accepted != 0 {
			t.Errorf("%s: %d %s, want %s", answer, status, body, want)
		}
	}
}

func TestStartRefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]string{"none": nil, "no form": {"secret"}, "too short": {"whsec_AAAA"}} {
		if s, err := webhook.Start(webhook.Options{Secrets: secrets}); err == nil {
			_ = s.Close()
			t.Errorf("%s: it starts", name)
		}
	}
}
