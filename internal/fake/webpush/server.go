package webpush

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/h2"
)

// Options say how a [Server] behaves.
type Options struct {
	fake.Options

	// Keys are the VAPID public keys, in base64url, to which the subscriptions belong; none
	// when every key may push to them.
	Keys []string
}

// A Server is a running fake. Its methods may be called from any goroutine.
type Server struct {
	*fake.Server

	keys  []*ecdsa.PublicKey
	owner *ecdh.PrivateKey
	auth  []byte
}

const (
	endpointPush = "push"
	pathPush     = "/push/"
	pathGive     = "/subscription/"
)

// Names of the answers that the server gives by itself.
const (
	accepted   = "accepted"
	badRequest = "bad-request"
	noVAPID    = "vapid-missing"
	badVAPID   = "vapid-refused"
	mismatch   = "vapid-mismatch"
	tooLarge   = "too-large"
)

// answers lists what a rule can name, beside what package fake adds.
func answers() []fake.Answer {
	return []fake.Answer{
		{Name: accepted, Status: 201, ContentType: fake.TypeText, About: "the push is taken"},
		{Name: badRequest, Status: 400, ContentType: fake.TypeText, About: "the request is no Web Push, or cannot be decrypted"},
		{Name: noVAPID, Status: 401, ContentType: fake.TypeText, About: "it does not say who sends", Body: "authorization header must be specified\n"},
		{Name: badVAPID, Status: 403, ContentType: fake.TypeText, About: "who sends is not shown as RFC 8292 wants it"},
		{Name: mismatch, Status: 403, ContentType: fake.TypeText, About: "the subscription was made with another VAPID key", Body: "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n"},
		{Name: "expired", Status: 404, ContentType: fake.TypeText, About: "there is no such subscription"},
		{Name: "gone", Status: 410, ContentType: fake.TypeText, About: "the subscription has ended"},
		{Name: tooLarge, Status: 413, ContentType: fake.TypeText, About: "the body has more than 4,096 bytes"},
		{Name: "throttled", Status: 429, RetryAfter: 30, ContentType: fake.TypeText, About: "too many requests", Body: "slow down\n"},
		{Name: "away", Status: 507, Body: `{"code":50701,"http":507,"error":"cannot publish to UnifiedPush topic without previously active subscriber"}`, About: "as ntfy says it: nobody is connected to the topic"},
		{Name: "redirect", Status: 307, ContentType: fake.TypeText, Header: []h2.Field{{Name: "location", Value: "https://push.example.com/"}}, About: "a redirect, which is not followed"},
		{Name: "internal", Status: 500, ContentType: fake.TypeText, About: "a fault inside the push server", Body: "internal error\n"},
		{Name: "bad-gateway-html", Status: 502, ContentType: fake.TypeHTML, About: "its proxy has no server", Body: "<html><title>502 Bad Gateway</title></html>\n"},
		{Name: "unavailable", Status: 503, ContentType: fake.TypeText, About: "the push server is down", Body: "unavailable\n"},
	}
}

func newKind() fake.Kind {
	return fake.Kind{
		Name: "webpush", Title: "push server", Manual: "docs/webpush.md", Answers: answers(),
		Endpoints: []string{endpointPush}, Public: func(string) bool { return false },
	}
}

// ParseScript reads a script in JSON and checks all of it.
func ParseScript(text []byte) (fake.Script, error) {
	kind := newKind()
	return kind.ParseScript(text)
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	s := &Server{auth: make([]byte, authBytes)}
	_, _ = rand.Read(s.auth) // never fails
	var err error
	if s.owner, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	var faults []error
	for _, text := range o.Keys {
		key, err := parseKey(text)
		if err != nil {
			faults = append(faults, errors.New("a VAPID public key has 65 bytes in base64url: pushworker vapid public prints it"))
			continue
		}
		s.keys = append(s.keys, key)
	}
	kind := newKind()
	kind.Handle = s.handle
	if s.Server, err = fake.New(kind, o.Options, faults...); err != nil {
		return nil, err
	}
	return s, s.Listen()
}

// Subscription is one as browsers give it; every name has one.
type Subscription struct {
	Endpoint       string `json:"endpoint"`
	ExpirationTime *int64 `json:"expirationTime"`
	Keys           Keys   `json:"keys"`
}

// Keys encrypt what is pushed.
type Keys struct {
	P256DH string `json:"p256dh"`
	Auth   string `json:"auth"`
}

// Subscription is the one called name.
func (s *Server) Subscription(name string) Subscription {
	return Subscription{Endpoint: s.URL() + pathPush + name, Keys: Keys{
		P256DH: base64.RawURLEncoding.EncodeToString(s.owner.PublicKey().Bytes()),
		Auth:   base64.RawURLEncoding.EncodeToString(s.auth),
	}}
}

// handle decides about a call.
func (s *Server) handle(c *fake.Call) fake.Verdict {
	if name, ok := strings.CutPrefix(c.Path, pathGive); ok && c.Method == http.MethodGet && name != "" {
		return s.JSON(http.StatusOK, s.Subscription(name))
	}
	r := c.Request()
	r.Client = c.Header("user-agent")
	a, v := s.judge(c, &r)
	s.Record(&r, a, &v)
	return v
}

func (s *Server) judge(c *fake.Call, r *fake.Request) (*fake.Answer, fake.Verdict) {
	name, ok := strings.CutPrefix(c.Path, pathPush)
	if !ok || name == "" {
		return s.refuse("expired", "")
	}
	r.Target, r.Header = name, make(map[string]string)
	for _, of := range []string{"ttl", "urgency", "topic", "content-type"} {
		if value := c.Header(of); value != "" {
			r.Header[of] = value
		}
	}
	if why := malformed(c); why != "" {
		return s.refuse(badRequest, why)
	}
	if answer, why := s.unsigned(c); answer != "" {
		return s.refuse(answer, why)
	}
	if len(c.Body) > maxBody {
		return s.refuse(tooLarge, "")
	}
	text, why := s.open(c.Body)
	if why != "" {
		return s.refuse(badRequest, why)
	}
	r.Body = text
	says := s.Decide(c, fake.Occasion{Endpoint: endpointPush, Target: name})
	r.Nth = says.Nth
	if says.Answer == nil {
		r.Accepted = true
		a := s.Answer(accepted)
		return a, s.located(s.Plain(a), r)
	}
	r.Rule = says.Rule
	r.Accepted = says.Deliver || says.Takes()
	return says.Answer, says.Verdict
}

func (s *Server) refuse(name, why string) (*fake.Answer, fake.Verdict) {
	a := s.Answer(name)
	v := s.Plain(a)
	if why != "" {
		v.Body = []byte(why + "\n")
	}
	return a, v
}

// located names the message, as RFC 8030, section 5, wants it.
func (s *Server) located(v fake.Verdict, r *fake.Request) fake.Verdict {
	r.ID = fmt.Sprintf("%s-%d", r.Target, r.Nth)
	v.Header = append(slices.Clone(v.Header), h2.Field{Name: "location", Value: s.URL() + "/message/" + r.ID})
	return v
}
