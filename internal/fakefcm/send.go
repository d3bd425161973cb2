package fakefcm

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// send answers POST /v1/projects/{project}/messages:send.
func (s *Server) send(c *call, project string) verdict {
	r := Request{Time: c.now, Conn: c.conn, Stream: c.stream, Project: project, Client: c.client, Body: c.body}
	a, v := s.judge(c, &r)
	r.Answer = a.name
	if v.fate == fateAnswer || v.fate == fateGoAway {
		r.Status, r.RetryAfter = v.status, v.retryAfter
		s.counters.status[v.status].Add(1)
	}
	s.counters.answers[a.id].Add(1)
	if r.Accepted {
		s.counters.accepted.Add(1)
		s.targets.accept(r.Target)
	}
	s.memory.keep(&r)
	s.log.write(&r)
	s.counters.requests.Add(1) // last, so that whoever waits for it finds the rest
	s.audience.tell(&r, &s.counters.missed)
	return v
}

// judge finds the answer in the order in which Google does: who asks, how often,
// whether it can be read; then what the script says.
func (s *Server) judge(c *call, r *Request) (*answer, verdict) {
	if refusal := s.admit(c, r.Project); refusal != "" {
		a := s.table.row(refusal)
		return a, s.plain(a)
	}
	if wait := s.overQuota(c.now, r.Project); wait > 0 {
		return s.overdrawn(quotaProject, wait)
	}
	got, f := s.read(c)
	if f != nil {
		v := verdict{fate: fateAnswer, delay: s.options.Latency, status: 400, contentType: typeJSON, body: f.body()}
		if f.name != "" {
			return s.table.row(f.name), v
		}
		return s.table.row(invalidArgument), v
	}
	r.Target, r.ValidateOnly = got.address(), got.validateOnly
	running := s.script.Load()
	var wait time.Duration
	if r.Nth, wait = s.targets.hit(r.Target, running, c.now, s.options.DevicePerMinute); wait > 0 {
		return s.overdrawn(quotaDevice, wait)
	}
	o := occasion{endpoint: endpointSend, target: r.Target, project: r.Project, nth: r.Nth, connNth: c.connNth, now: c.now}
	rule, draw := running.match(&o)
	if rule == nil {
		a := s.table.row(accepted)
		return a, s.accept(s.plain(a), r, &got)
	}
	r.Rule = rule.Name
	v := s.ruled(c, rule, draw)
	r.Accepted = rule.Deliver && !got.validateOnly
	if rule.answer.name == accepted || rule.answer.fate == fateGoAway {
		v = s.accept(v, r, &got)
	}
	return rule.answer, v
}

// admit names the refusal of a caller who may not send; empty when he may.
func (s *Server) admit(c *call, project string) string {
	if refusal := s.bearers.check(c.auth, c.now); refusal != "" {
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
func (s *Server) overdrawn(name string, wait time.Duration) (*answer, verdict) {
	a := s.table.row(name)
	v := s.plain(a)
	v.retryAfter = strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	return a, v
}

func (s *Server) read(c *call) (parsed, *fault) {
	if kind, _, _ := strings.Cut(c.contentType, ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return parsed{}, syntaxFault("Invalid content type. Expected application/json.") // our wording
	}
	return parse(s.schema, c.body)
}

// address is the target as rules and counters know it.
func (p *parsed) address() string {
	if p.target == markTopic {
		return "/topics/" + p.to
	}
	return p.to
}

// accept takes the message and answers with its id.
func (s *Server) accept(v verdict, r *Request, got *parsed) verdict {
	r.Accepted = !got.validateOnly
	r.ID = "projects/" + r.Project + "/messages/" + messageID(r.Time, mix(s.ids.Add(1)), got)
	v.body = append(append(append(make([]byte, 0, 128), `{"name":"`...), r.ID...), "\"}\n"...)
	return v
}

// messageID looks like one of FCM's; unique is a number that no other id has.
func messageID(now time.Time, unique uint64, got *parsed) string {
	if got.validateOnly {
		return "fake_message_id"
	}
	b := make([]byte, 0, 48)
	if got.webpush && !got.otherPlatform {
		b = appendHex(b, mix(unique), 16)
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
