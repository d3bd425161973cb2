package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/internal/fake"
)

// Options say how a [Server] behaves.
type Options struct {
	fake.Options

	// Secrets are what requests are signed with, "whsec_…" or "whpk_…" as the receiver has
	// them; a request needs the signature of one. At least one.
	Secrets []string
}

// A Server is a running fake. Its methods may be called from any goroutine.
type Server struct {
	*fake.Server

	keys []key
}

const endpointSend = "send"

// Names of the answers that the server gives by itself.
const (
	accepted     = "accepted"
	badSignature = "bad-signature"
	badRequest   = "bad-request"
	undelivered  = "undelivered"
	gone         = "gone"
)

// answers lists what a rule can name, beside what package fake adds.
func answers() []fake.Answer {
	return []fake.Answer{
		{Name: accepted, Status: 204, ContentType: fake.TypeText, About: "the receipt is taken"},
		{Name: badSignature, Status: 401, ContentType: fake.TypeText, About: "no signature is of our secrets, or the time is off", Body: "the signature is not ours\n"},
		{Name: badRequest, Status: 400, ContentType: fake.TypeText, About: "the request is no webhook"},
		{Name: undelivered, Status: 200, ContentType: fake.TypeJSON, About: "taken, but nobody has got it: every recipient is named"},
		{Name: gone, Status: 200, ContentType: fake.TypeJSON, About: "taken, and every device of it is gone"},
		{Name: "disabled", Status: 410, ContentType: fake.TypeText, About: "the receiver has disabled the webhook", Body: "disabled\n"},
		{Name: "redirect", Status: 302, ContentType: fake.TypeText, About: "a redirect, which is not followed"},
		{Name: "throttled", Status: 429, RetryAfter: 30, ContentType: fake.TypeText, About: "too many requests", Body: "slow down\n"},
		{Name: "internal", Status: 500, ContentType: fake.TypeText, About: "a fault inside the receiver", Body: "internal error\n"},
		{Name: "bad-gateway-html", Status: 502, ContentType: fake.TypeHTML, About: "the receiver's proxy has no receiver", Body: "<html><title>502 Bad Gateway</title></html>\n"},
		{Name: "unavailable", Status: 503, ContentType: fake.TypeText, About: "the receiver is down", Body: "unavailable\n"},
	}
}

func newKind() fake.Kind {
	return fake.Kind{
		Name: "webhook", Title: "webhook receiver", Manual: "docs/webhook.md", Answers: answers(),
		Endpoints: []string{endpointSend}, Public: func(string) bool { return true },
	}
}

// ParseScript reads a script in JSON and checks all of it.
func ParseScript(text []byte) (fake.Script, error) {
	kind := newKind()
	return kind.ParseScript(text)
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	s := &Server{}
	var faults []error
	if len(o.Secrets) == 0 {
		faults = append(faults, errors.New("a secret is needed: a receiver that checks no signature is no stand-in"))
	}
	for _, text := range o.Secrets {
		k, err := parseKey(text)
		if err != nil {
			faults = append(faults, err)
		}
		s.keys = append(s.keys, k)
	}
	kind := newKind()
	kind.Handle = s.handle
	var err error
	if s.Server, err = fake.New(kind, o.Options, faults...); err != nil {
		return nil, err
	}
	return s, s.Listen()
}

// handle decides about a call: every path is the receiver's.
func (s *Server) handle(c *fake.Call) fake.Verdict {
	r := c.Request()
	r.Client = c.Header("user-agent")
	a, v := s.judge(c, &r)
	s.Record(&r, a, &v)
	return v
}

func (s *Server) judge(c *fake.Call, r *fake.Request) (*fake.Answer, fake.Verdict) {
	refuse := func(name, why string) (*fake.Answer, fake.Verdict) {
		a := s.Answer(name)
		v := s.Plain(a)
		if why != "" {
			v.Body = []byte(why + "\n")
		}
		return a, v
	}
	if why := malformed(c); why != "" {
		return refuse(badRequest, why)
	}
	if why := s.unsigned(c); why != "" {
		return refuse(badSignature, why)
	}
	e, err := read(c.Body)
	if err != nil {
		return refuse(badRequest, err.Error())
	}
	r.Target, r.DryRun = c.Header("webhook-id"), e.Type == "push.test"
	says := s.Decide(c, fake.Occasion{Endpoint: endpointSend, Target: r.Target})
	r.Nth, r.ID = says.Nth, r.Target
	if says.Answer == nil {
		r.Accepted = !r.DryRun
		a := s.Answer(accepted)
		return a, s.Plain(a)
	}
	r.Rule = says.Rule
	r.Accepted = (says.Deliver || says.Takes()) && !r.DryRun
	v := says.Verdict
	switch says.Answer.Name {
	case undelivered, gone:
		v.Body = e.report(says.Answer.Name)
	}
	return says.Answer, v
}

// malformed says why a request is no webhook, before its signature is looked at.
func malformed(c *fake.Call) string {
	kind, _, _ := strings.Cut(c.Header("content-type"), ";")
	switch id := c.Header("webhook-id"); {
	case c.Method != http.MethodPost:
		return "the method is " + c.Method + ", not POST"
	case strings.TrimSpace(kind) != "application/json":
		return "the content type is not application/json"
	case id == "" || strings.Contains(id, "."):
		return "webhook-id is missing, or has a dot"
	}
	return ""
}

// event is a body, as far as a receiver reads it.
type event struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      *struct {
		Receipt struct {
			To      map[string]json.RawMessage `json:"to"`
			Channel string                     `json:"channel"`
		} `json:"receipt"`
		Devices []map[string]any `json:"devices"`
	} `json:"data"`
}

func read(body []byte) (event, error) {
	var e event
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&e); err != nil || d.More() {
		return e, errors.New("the body is not one JSON value")
	}
	if e.Type == "" || strings.Trim(e.Type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") != "" {
		return e, fmt.Errorf("the type %q is not of letters, digits, _ and dots", e.Type)
	}
	if e.Timestamp == "" || e.Data == nil {
		return e, errors.New("the body has no timestamp or no data")
	}
	return e, nil
}

// recipients names the users and the channel.
func (e *event) recipients() []map[string]any {
	all := []map[string]any{}
	for user := range e.Data.Receipt.To {
		all = append(all, map[string]any{"user": user})
	}
	if e.Data.Receipt.Channel != "" {
		all = append(all, map[string]any{"channel": e.Data.Receipt.Channel})
	}
	return all
}

// devices names the devices, without what a report does not take.
func (e *event) devices() []map[string]any {
	all := []map[string]any{}
	for _, d := range e.Data.Devices {
		maps.DeleteFunc(d, func(key string, _ any) bool { return !slices.Contains([]string{"user", "id", "app", "kind"}, key) })
		all = append(all, d)
	}
	return all
}

// report names all of e's recipients, or all of its devices.
func (e *event) report(kind string) []byte {
	all := e.recipients()
	if kind == gone {
		all = e.devices()
	}
	body, err := json.Marshal(map[string]any{"version": 1, kind: all})
	if err != nil {
		return []byte("{}")
	}
	return body
}
