package apns

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/h2"
)

// A Server is a running fake. Its methods may be called from any goroutine.
type Server struct {
	*fake.Server

	options Options
	p8      []byte

	mu    sync.Mutex
	keys  []*key
	links map[uint64]*link  // by connection
	bound map[string]string // the topic of each device's first push
	dead  map[string]int64  // since when in ms a device is told to be gone
	seen  map[string]*key   // which one has signed a provider token
}

const endpointSend = "send"

func newKind() fake.Kind {
	return fake.Kind{
		Name: "apns", Title: "APNs", Manual: "docs/apns.md", Answers: answers(), Endpoints: []string{endpointSend},
		Public:       func(string) bool { return false },
		FirstStreams: 1, OnlyHTTP2: true, Farewell: `{"reason":"Shutdown"}`,
	}
}

// ParseScript reads a script in JSON and checks all of it.
func ParseScript(text []byte) (fake.Script, error) {
	kind := newKind()
	return kind.ParseScript(text)
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	return s, s.Listen()
}

// New makes a server that does not listen.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{options: o}
	s.reset()
	k, p8, err := newKey(o.KeyID, o.TeamID)
	if err != nil {
		return nil, err
	}
	s.keys, s.p8 = []*key{k}, p8
	kind := newKind()
	kind.Handle, kind.Reset, kind.Revoke = s.handle, s.reset, s.Revoke
	s.Server, err = fake.New(kind, o.Options)
	return s, err
}

func (s *Server) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound, s.dead, s.seen = make(map[string]string), make(map[string]int64), make(map[string]*key)
	if s.links == nil {
		s.links = make(map[uint64]*link)
	}
}

// Key is the .p8 file of the key that was made at the start, of Options.KeyID.
func (s *Server) Key() []byte { return s.p8 }

// AddKey makes a further key of the same team, and returns its .p8 file.
func (s *Server) AddKey(id string) ([]byte, error) {
	k, p8, err := newKey(id, s.options.TeamID)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, k)
	return p8, nil
}

// Revoke makes all keys invalid that there are.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		k.revoked = true
	}
}

// ProviderTokens counts the different valid provider tokens since the start or the last
// reset.
func (s *Server) ProviderTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// handle decides about a call.
func (s *Server) handle(c *fake.Call) fake.Verdict {
	r := c.Request()
	r.Target, _ = strings.CutPrefix(c.Path, "/3/device/")
	r.Project, r.Client, r.ID = c.Header("apns-topic"), c.Header("user-agent"), c.Header("apns-id")
	r.Header = make(map[string]string)
	for _, name := range []string{"apns-push-type", "apns-priority", "apns-expiration", "apns-collapse-id"} {
		if value := c.Header(name); value != "" {
			r.Header[name] = value
		}
	}
	a, v := s.judge(c, &r)
	v.Header = append(slices.Clip(v.Header), h2.Field{Name: "apns-id", Value: r.ID})
	if s.options.Sandbox {
		v.Header = append(v.Header, h2.Field{Name: "apns-unique-id", Value: newID()})
	}
	s.Record(&r, a, &v)
	return v
}

// judge finds the answer: whether the request is one, who asks, then what the script
// says, then what Apple would say of the device.
func (s *Server) judge(c *fake.Call, r *fake.Request) (*fake.Answer, fake.Verdict) {
	plain := func(reason string) (*fake.Answer, fake.Verdict) {
		a := s.Answer(nameOf(reason))
		return a, s.Plain(a)
	}
	if !isUUID(r.ID) {
		if r.ID != "" {
			r.ID = newID()
			return plain("BadMessageId")
		}
		r.ID = newID()
	}
	if reason := s.admit(c); reason != "" {
		return plain(reason)
	}
	if reason := malformed(c); reason != "" {
		return plain(reason)
	}
	says := s.Decide(c, fake.Occasion{Endpoint: endpointSend, Target: r.Target, Project: r.Project, PerMinute: s.options.DevicePerMinute})
	if r.Nth, r.Rule = says.Nth, says.Rule; says.Wait > 0 {
		return plain("TooManyRequests")
	}
	if says.Answer != nil && !says.Takes() {
		r.Accepted = says.Deliver
		return says.Answer, s.gone(says.Answer, says.Verdict, r)
	}
	if reason := s.device(r); reason != "" {
		return plain(reason)
	}
	r.Accepted = true
	if says.Answer != nil {
		return says.Answer, says.Verdict
	}
	return plain("Accepted")
}

// gone adds to a 410 since when the device is gone: since it was first told.
func (s *Server) gone(a *fake.Answer, v fake.Verdict, r *fake.Request) fake.Verdict {
	if a.Status != http.StatusGone || a.Name == "custom" {
		return v
	}
	s.mu.Lock()
	since, known := s.dead[r.Target]
	if !known {
		since = r.Time.UnixMilli()
		s.dead[r.Target] = since
	}
	s.mu.Unlock()
	v.Body = []byte(strings.TrimSuffix(a.Body, "}") + `,"timestamp":` + strconv.FormatInt(since, 10) + "}")
	return v
}

// device is what Apple would say of a device: the reason, or empty. Which environment a
// token is of nobody can tell from it; here those of the sandbox begin with 5a.
func (s *Server) device(r *fake.Request) string {
	isSandbox := strings.HasPrefix(r.Target, "5a")
	if strings.Trim(r.Target, "0") == "" || isSandbox != s.options.Sandbox {
		return "BadDeviceToken"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, known := s.bound[r.Target]; known && first != r.Project {
		return "DeviceTokenNotForTopic"
	}
	s.bound[r.Target] = r.Project
	return ""
}

// updateEvery is how often a connection may change its provider token.
const updateEvery = 20 * time.Minute
