package fake_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// echo is the simplest kind: POST /PROJECT with a token as the body. A token that
// begins with # is public.
func echo() fake.Kind {
	return fake.Kind{
		Name: "echo", Title: "echo", Manual: "the manual",
		Answers: []fake.Answer{
			{Name: "accepted", Status: 200, Body: "taken"},
			{Name: "invalid-token", Status: 400},
			{Name: "auth", Status: 401},
			{Name: "unregistered", Status: 404},
			{Name: "internal", Status: 500},
			{Name: "unavailable", Status: 503},
		},
		Endpoints: []string{"send", "iid"},
		Public:    func(target string) bool { return strings.HasPrefix(target, "#") },
	}
}

// newEcho makes a echo that does not listen yet.
func newEcho(o fake.Options) (*fake.Server, error) {
	var s *fake.Server
	kind := echo()
	kind.Handle = func(c *fake.Call) fake.Verdict {
		r := c.Request()
		r.Project = strings.TrimPrefix(c.Path, "/")
		if len(c.Body) > 100 {
			a := s.Answer("invalid-token")
			v := s.Plain(a)
			s.Record(&r, a, &v)
			return v
		}
		r.Target = string(c.Body)
		says := s.Decide(c, fake.Occasion{Endpoint: "send", Target: r.Target, Project: r.Project})
		a := cmp.Or(says.Answer, s.Answer("accepted"))
		v := says.Verdict
		if says.Answer == nil {
			v = s.Plain(a)
		}
		r.Nth, r.Rule, r.Accepted = says.Nth, says.Rule, says.Takes() || says.Deliver
		s.Record(&r, a, &v)
		return v
	}
	var err error
	s, err = fake.New(kind, o)
	return s, err
}

// launch makes a echo that listens.
func launch(o fake.Options) (*fake.Server, error) {
	s, err := newEcho(o)
	if err != nil {
		return nil, err
	}
	return s, s.Listen()
}

// start runs a echo for one test.
func start(t *testing.T, o fake.Options) *fake.Server {
	t.Helper()
	s, err := launch(o)
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

func parseScript(text string) (fake.Script, error) {
	kind := echo()
	return kind.ParseScript([]byte(text))
}

// script reads rules as an operator writes them.
func script(t *testing.T, rules string) fake.Script {
	t.Helper()
	s, err := parseScript(`{"rules":[` + rules + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// speak makes a client for HTTP/2 (or, when told, HTTP/1.1) over TLS or plain.
func speak(t *testing.T, s *fake.Server, http1 bool) *http.Client {
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

func client(t *testing.T, s *fake.Server) *http.Client {
	t.Helper()
	return speak(t, s, false)
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

// push sends a push to a token of project demo.
func push(t *testing.T, c *http.Client, s *fake.Server, token string) reply {
	t.Helper()
	return ask(t, c, s, http.MethodPost, "/demo", token)
}

// ask calls a path of the server.
func ask(t *testing.T, c *http.Client, s *fake.Server, method, path, body string) reply {
	t.Helper()
	got, err := do(c, request(t, method, s.URL()+path, body))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// deadline bounds a wait for something that must happen.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
