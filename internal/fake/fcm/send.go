package fcm

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/fake"
)

// send answers POST /v1/projects/{project}/messages:send.
func (s *Server) send(c *fake.Call, project string) fake.Verdict {
	r := c.Request()
	r.Project, r.Client = project, c.Header("x-firebase-client")
	a, v := s.judge(c, &r)
	s.Record(&r, a, &v)
	return v
}

// judge finds the answer in the order in which Google does: who asks, how often,
// whether it can be read; then what the script says.
func (s *Server) judge(c *fake.Call, r *fake.Request) (*fake.Answer, fake.Verdict) {
	if refusal := s.admit(c, r.Project); refusal != "" {
		a := s.Answer(refusal)
		return a, s.Plain(a)
	}
	if wait := s.overQuota(c.Now, r.Project); wait > 0 {
		return s.overdrawn(quotaProject, wait)
	}
	got, f := s.read(c)
	if f != nil {
		a := s.Answer(cmp.Or(f.name, invalidArgument))
		v := s.Plain(a)
		v.Body = f.body()
		return a, v
	}
	r.Target, r.DryRun = got.address(), got.validateOnly
	says := s.Decide(c, fake.Occasion{Endpoint: endpointSend, Target: r.Target, Project: r.Project, PerMinute: s.options.DevicePerMinute})
	if r.Nth = says.Nth; says.Wait > 0 {
		return s.overdrawn(quotaDevice, says.Wait)
	}
	if says.Answer == nil {
		a := s.Answer(accepted)
		return a, s.accept(s.Plain(a), r, &got)
	}
	r.Rule = says.Rule
	r.Accepted = says.Deliver && !got.validateOnly
	if says.Takes() {
		return says.Answer, s.accept(says.Verdict, r, &got)
	}
	return says.Answer, says.Verdict
}

// admit returns the answer that refuses a caller who may not send, or empty text.
func (s *Server) admit(c *fake.Call, project string) string {
	if refusal := s.bearers.check(c.Header("authorization"), c.Now); refusal != "" {
		return refusal
	}
	if len(s.options.Projects) > 0 && !slices.Contains(s.options.Projects, project) {
		return permissionDenied
	}
	return ""
}

func (s *Server) overQuota(now time.Time, project string) time.Duration {
	if s.options.ProjectPerMinute == 0 {
		return 0
	}
	return s.projects.take(project, now, s.options.ProjectPerMinute)
}

// overdrawn is a 429 that says when the minute ends.
func (s *Server) overdrawn(name string, wait time.Duration) (*fake.Answer, fake.Verdict) {
	a := s.Answer(name)
	v := s.Plain(a)
	v.RetryAfter = strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	return a, v
}

func (s *Server) read(c *fake.Call) (parsed, *fault) {
	if kind, _, _ := strings.Cut(c.Header("content-type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return parsed{}, syntaxFault("Invalid content type. Expected application/json.") // our wording
	}
	return parse(s.schema, c.Body)
}

// address is the target as rules and counters know it.
func (p *parsed) address() string {
	if p.target == markTopic {
		return "/topics/" + p.to
	}
	return p.to
}

// accept takes the message and answers with its id.
func (s *Server) accept(v fake.Verdict, r *fake.Request, got *parsed) fake.Verdict {
	r.Accepted = !got.validateOnly
	if r.Accepted && got.target == markTopic {
		r.Subscribers = s.topics.of(got.to)
	}
	r.ID = "projects/" + r.Project + "/messages/" + messageID(r.Time, fake.Mix(s.ids.Add(1)), got)
	v.Body = append(append(append(make([]byte, 0, 128), `{"name":"`...), r.ID...), "\"}\n"...)
	return v
}

// messageID looks like one of FCM's; unique is a number that no other id has.
func messageID(now time.Time, unique uint64, got *parsed) string {
	if got.validateOnly {
		return "fake_message_id"
	}
	b := make([]byte, 0, 48)
	if got.webpush && !got.otherPlatform {
		b = appendHex(b, fake.Mix(unique), 16)
		b = appendHex(b, unique, 16)
		b[12], b[16] = '4', 'a' // version and variant of a random UUID
		return string(b[:8]) + "-" + string(b[8:12]) + "-" + string(b[12:16]) + "-" + string(b[16:20]) + "-" + string(b[20:])
	}
	b = strconv.AppendInt(append(b, "0:"...), now.UnixMicro(), 10)
	return string(appendHex(append(b, '%'), unique, 16))
}

// appendHex appends the low digits of n.
func appendHex(b []byte, n uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, "0123456789abcdef"[n>>(4*i)&15])
	}
	return b
}
