package fcm

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/pushworker/pushworker/internal/fake"
)

// A Server is a running fake. FCM's endpoint is URL()/v1. Its methods may be called
// from any goroutine.
type Server struct {
	*fake.Server

	options  Options
	schema   *field
	bearers  bearers
	keys     keyring
	projects projects
	topics   topics
	ids      atomic.Uint64
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{options: o, schema: newSchema()}
	s.reset()
	s.keys.add(o.TokenKeys...)
	s.bearers.any = o.AnyBearer
	for _, token := range o.Bearers {
		s.bearers.issued.Store(token, grant{scoped: true})
	}
	kind := newKind()
	kind.Handle, kind.Reset, kind.Revoke = s.handle, s.reset, s.Revoke
	var err error
	if s.Server, err = fake.New(kind, o.Options, o.faults()...); err != nil {
		return nil, err
	}
	return s, s.Listen()
}

// The endpoints that a rule can be for.
const (
	endpointSend  = "send"
	endpointToken = "token"
	endpointIID   = "iid"
)

// newKind is what can be known of FCM without a server.
func newKind() fake.Kind {
	return fake.Kind{
		Name: "fcm", Title: "FCM", Manual: "docs/fakefcm.md", Answers: answers(),
		Endpoints: []string{endpointSend, endpointToken, endpointIID},
		Public: func(target string) bool {
			return strings.HasPrefix(target, "/topics/") || strings.Contains(target, " in topics")
		},
	}
}

// ParseScript reads a script in JSON and checks all of it.
func ParseScript(text []byte) (fake.Script, error) {
	kind := newKind()
	return kind.ParseScript(text)
}

func (s *Server) reset() {
	s.projects.reset()
	s.topics.reset()
}

// Revoke makes every access token that was issued invalid.
func (s *Server) Revoke() { s.bearers.revoke() }

// handle decides about a call.
func (s *Server) handle(c *fake.Call) fake.Verdict {
	if project, ok := sendPath(c.Path); ok && c.Method == http.MethodPost {
		return s.send(c, project)
	}
	switch {
	case c.Path == "/token" && c.Method == http.MethodPost:
		return s.token(c)
	case c.Path == "/iid/v1:batchAdd" && c.Method == http.MethodPost:
		return s.manageTopic(c, true)
	case c.Path == "/iid/v1:batchRemove" && c.Method == http.MethodPost:
		return s.manageTopic(c, false)
	}
	return s.Plain(s.Answer(noSuchPage))
}

// sendPath takes the project out of /v1/projects/{project}/messages:send.
func sendPath(path string) (project string, ok bool) {
	rest, ok1 := strings.CutPrefix(path, "/v1/projects/")
	project, ok2 := strings.CutSuffix(rest, "/messages:send")
	for i := range len(project) {
		if !isWord(project[i]) && !strings.ContainsRune("-._:", rune(project[i])) {
			return "", false
		}
	}
	return project, ok1 && ok2 && project != ""
}
