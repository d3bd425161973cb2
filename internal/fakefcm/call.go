package fakefcm

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A call is a request without the protocol that brought it.
type call struct {
	now                       time.Time
	method, path, query       string
	auth, contentType, client string
	body                      []byte
	conn                      uint64
	connNth                   int64
	stream                    uint32
}

// A verdict is what the protocol is to do about a call.
type verdict struct {
	fate        fate
	delay       time.Duration
	status      int
	contentType string
	retryAfter  string
	challenge   bool // with WWW-Authenticate
	body        []byte
}

const (
	typeJSON  = "application/json; charset=UTF-8"
	typeHTML  = "text/html; charset=UTF-8"
	typeLines = "application/x-ndjson"
	typeText  = "text/plain; charset=UTF-8"
)

// handle decides about a call. It does not block.
func (s *Server) handle(c *call) verdict {
	if project, ok := sendPath(c.path); ok && c.method == http.MethodPost {
		return s.send(c, project)
	}
	switch {
	case c.path == "/token" && c.method == http.MethodPost:
		return s.token(c)
	case c.path == "/iid/v1:batchAdd" && c.method == http.MethodPost:
		return s.manageTopic(c, true)
	case c.path == "/iid/v1:batchRemove" && c.method == http.MethodPost:
		return s.manageTopic(c, false)
	case strings.HasPrefix(c.path, "/fake/"):
		return s.admin(c)
	}
	return s.plain(s.table.row(noSuchPage))
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

// plain is an answer as the table has it.
func (s *Server) plain(a *answer) verdict {
	v := verdict{fate: a.fate, delay: s.options.Latency, status: a.status, contentType: typeJSON, body: a.bytes}
	if a.html {
		v.contentType = typeHTML
	}
	if a.retryAfter > 0 {
		v.retryAfter = strconv.Itoa(a.retryAfter)
	}
	switch a.name {
	case unauthenticated, noCredentials:
		v.challenge = true
	}
	return v
}

// ruled is the answer of a rule.
func (s *Server) ruled(c *call, r *rule, draw uint64) verdict {
	v := s.plain(r.answer)
	if r.Latency > 0 {
		v.delay = time.Duration(r.Latency)
	}
	if r.Status != 0 {
		v.contentType = typeText
	}
	if r.ContentType != "" {
		v.contentType = r.ContentType
	}
	switch after := r.RetryAfter; {
	case after.None:
		v.retryAfter = ""
	case after.Most > 0:
		seconds := after.Least + int(mix(draw)%uint64(after.Most-after.Least+1)) //nolint:gosec // a small range
		v.retryAfter = strconv.Itoa(seconds)
		if after.Date {
			v.retryAfter = c.now.Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat)
		}
	}
	return v
}

// jsonVerdict answers with a value that can be encoded.
func (s *Server) jsonVerdict(status int, value any) verdict {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"not encodable"}`)
	}
	return verdict{fate: fateAnswer, delay: s.options.Latency, status: status, contentType: typeJSON, body: body}
}
