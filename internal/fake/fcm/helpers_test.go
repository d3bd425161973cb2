package fcm_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/fcm"
)

// start runs a fake for one test, with bearer "good" unless it says otherwise.
func start(t *testing.T, o fcm.Options) *fcm.Server {
	t.Helper()
	if o.Bearers == nil && !o.AnyBearer {
		o.Bearers = []string{"good"}
	}
	s, err := fcm.Start(o)
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

// script reads rules as an operator writes them.
func script(t *testing.T, rules string) fake.Script {
	t.Helper()
	s, err := fcm.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client makes one for HTTP/2.
func client(t *testing.T) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// patience bounds each wait; nothing but a failure takes so long.
const patience = time.Minute

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
	proto  string
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer good")
	r.Header.Set("Content-Type", "application/json")
	return r
}

func do(c *http.Client, r *http.Request) (reply, error) {
	answer, err := c.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, string(body), answer.Proto}, err
}

// push sends a body to project demo.
func push(t *testing.T, c *http.Client, s *fcm.Server, body string) reply {
	t.Helper()
	got, err := do(c, request(t, http.MethodPost, s.URL()+"/v1/projects/demo/messages:send", body))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// to is the smallest message for a token.
func to(token string) string {
	text, _ := json.Marshal(token)
	return `{"message":{"token":` + string(text) + `}}`
}

// statuses sends to each target in turn.
func statuses(t *testing.T, s *fcm.Server, tokens ...string) []int {
	t.Helper()
	c := client(t)
	var got []int
	for _, token := range tokens {
		got = append(got, push(t, c, s, to(token)).status)
	}
	return got
}
