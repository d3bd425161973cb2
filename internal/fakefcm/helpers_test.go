package fakefcm_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fakefcm"
)

// start runs a fake for one test, with bearer "good" unless it says otherwise.
func start(t *testing.T, o fakefcm.Options) *fakefcm.Server {
	t.Helper()
	if o.Bearers == nil && !o.AnyBearer {
		o.Bearers = []string{"good"}
	}
	s, err := fakefcm.Start(o)
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
func script(t *testing.T, rules string) fakefcm.Script {
	t.Helper()
	s, err := fakefcm.ParseScript([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// speak makes a client for HTTP/2 (or, when told, HTTP/1.1) over TLS or plain.
func speak(t *testing.T, s *fakefcm.Server, http1 bool) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(http1)
	protocols.SetHTTP2(!http1)
	protocols.SetUnencryptedHTTP2(!http1)
	transport := &http.Transport{Protocols: protocols}
	if ca := s.CAPEM(); ca != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(ca) {
			t.Fatal("the certificate is no PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func client(t *testing.T, s *fakefcm.Server) *http.Client {
	t.Helper()
	return speak(t, s, false)
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
	proto  string
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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
func push(t *testing.T, c *http.Client, s *fakefcm.Server, body string) reply {
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

// deadline bounds a wait for something that must happen.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
