package hms

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// What the server knows its caller by, unless the options say otherwise.
const (
	DefaultProject = "101653523863440001"
	DefaultApp     = "104458001"
	keyID          = "fakehmskey0000000000000000000001"
	subAccount     = "100000001"
	audience       = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
	tokenPath      = "/oauth2/v3/token" //nolint:gosec // a path
)

// Options say how a [Server] behaves. The zero value listens on a free loopback port.
type Options struct {
	fake.Options

	// Project is the one of v3, and App that of v1.
	Project, App string
	// TokenLifetime is how long access tokens of v1 live; one hour by default.
	TokenLifetime time.Duration
}

// A Server is a running fake. Its methods may be called from any goroutine.
type Server struct {
	*fake.Server

	options Options
	key     *rsa.PrivateKey
	secret  string
	posts   atomic.Int64

	mu      sync.Mutex
	revoked bool                 // the key and the secret
	bearers map[string]time.Time // until when access tokens live
	seen    map[string]bool      // tokens of v3
}

const (
	endpointSend  = "send"
	endpointToken = "token"
)

func newKind() fake.Kind {
	return fake.Kind{
		Name: "hms", Title: "Push Kit", Manual: "docs/hms.md", Answers: answers(),
		Endpoints: []string{endpointSend, endpointToken}, Public: func(string) bool { return false },
	}
}

// ParseScript reads a script in JSON and checks all of it.
func ParseScript(text []byte) (fake.Script, error) {
	kind := newKind()
	return kind.ParseScript(text)
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	o.Project, o.App = cmp.Or(o.Project, DefaultProject), cmp.Or(o.App, DefaultApp)
	o.TokenLifetime = cmp.Or(o.TokenLifetime, time.Hour)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	s := &Server{options: o, key: key, secret: rand.Text(), bearers: make(map[string]time.Time), seen: make(map[string]bool)}
	kind := newKind()
	kind.Handle, kind.Revoke = s.handle, s.Revoke
	kind.Reset = func() { s.posts.Store(0) }
	if s.Server, err = fake.New(kind, o.Options); err != nil {
		return nil, err
	}
	return s, s.Listen()
}

// Account is the key of a service account for v3, as Huawei gives it out.
func (s *Server) Account() []byte {
	der, _ := x509.MarshalPKCS8PrivateKey(s.key) // an RSA key always can be
	text, _ := json.MarshalIndent(map[string]string{
		"project_id": s.options.Project, "key_id": keyID, "sub_account": subAccount,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"auth_uri":    "https://oauth-login.cloud.huawei.com/oauth2/v3/authorize", "token_uri": audience,
	}, "", "  ")
	return text
}

// App is the id and secret of an app, for v1.
func (s *Server) App() []byte {
	text, _ := json.Marshal(map[string]string{"app_id": s.options.App, "app_secret": s.secret})
	return text
}

// Revoke makes the key and the secret invalid, and all tokens.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
	clear(s.bearers)
}

// Expire makes the tokens invalid that were shown or issued, and no others.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := range s.seen {
		s.seen[token] = false
	}
	for token := range s.bearers {
		s.bearers[token] = time.Time{}
	}
}

// Posts counts requests; the counters of package fake count pushes.
func (s *Server) Posts() int64 { return s.posts.Load() }

// handle decides about a call.
func (s *Server) handle(c *fake.Call) fake.Verdict {
	if c.Path == tokenPath {
		return s.token(c)
	}
	s.posts.Add(1)
	r := c.Request()
	r.Client, r.ID = c.Header("user-agent"), rand.Text()
	if kind := c.Header("push-type"); kind != "" {
		r.Header = map[string]string{"push-type": kind}
	}
	refuse := func(name string) fake.Verdict {
		a := s.Answer(name)
		v := s.Plain(a)
		v.Body = envelope(a, "", r.ID)
		s.Record(&r, a, &v)
		return v
	}
	v1 := c.Path == "/v1/"+s.options.App+"/messages:send"
	switch {
	case !v1 && c.Path != "/v3/"+s.options.Project+"/messages:send":
		return refuse(notFound)
	case c.Method != http.MethodPost:
		return refuse(structure)
	}
	if name := s.admit(c, v1); name != "" {
		return refuse(name)
	}
	p, name := parse(c, v1)
	if name != "" {
		return refuse(name)
	}
	r.DryRun = p.dry
	return s.send(c, r, p, v1)
}

// send answers for each token: as the script says, or as Huawei would.
func (s *Server) send(c *fake.Call, r fake.Request, p push, v1 bool) fake.Verdict {
	r.Project = s.options.Project
	if v1 {
		r.Project = s.options.App
	}
	records, names := make([]fake.Request, len(p.tokens)), make([]*fake.Answer, len(p.tokens))
	illegal, failed, delay := make(map[string][]string), 0, time.Duration(0)
	for i, token := range p.tokens {
		one := r
		one.Target = token
		says := s.Decide(c, fake.Occasion{Endpoint: endpointSend, Target: token, Project: r.Project})
		one.Nth, one.Rule, delay = says.Nth, says.Rule, max(delay, says.Verdict.Delay)
		if says.Answer != nil && says.Answer.Name != accepted && reasonOf(says.Answer.Name) == "" {
			return s.whole(one, says)
		}
		names[i] = s.one(token, says)
		if reason := reasonOf(names[i].Name); reason != "" {
			illegal[reason] = append(illegal[reason], token)
			failed++
		}
		one.Accepted = names[i].Name == accepted && !r.DryRun
		records[i] = one
	}
	a, msg := s.Answer(accepted), "Success"
	if failed > 0 {
		a, msg = s.Answer(partly), failures(illegal, len(p.tokens)-failed, failed, v1)
	}
	if failed == len(p.tokens) {
		a = s.Answer(noneValid)
	}
	v := s.Plain(a)
	v.Body, v.Delay = envelope(a, msg, r.ID), max(v.Delay, delay)
	for i := range records {
		s.Record(&records[i], names[i], &v)
	}
	return v
}

// one is the answer for one token.
func (s *Server) one(token string, says fake.Ruling) *fake.Answer {
	switch {
	case says.Answer != nil && says.Answer.Name != accepted:
		return says.Answer
	case !isToken(token):
		return s.Answer(nameOf("tokenFormatError"))
	}
	return s.Answer(accepted)
}

// whole answers a request as the script says for r, which is for one of its tokens.
func (s *Server) whole(r fake.Request, says fake.Ruling) fake.Verdict {
	v := says.Verdict
	if says.Takes() {
		v.Body = envelope(s.Answer(accepted), "Success", r.ID)
	} else if codeOf(says.Answer.Name) != "" {
		v.Body = envelope(says.Answer, "", r.ID)
	}
	r.Accepted = (says.Deliver || says.Takes()) && !r.DryRun
	s.Record(&r, says.Answer, &v)
	return v
}
