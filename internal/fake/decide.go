package fake

import "time"

// An Occasion is a request as rules and counters see it.
type Occasion struct {
	// Endpoint is one of the kind's.
	Endpoint string
	// Target is whom it is for, such as a device's token, and Project on whose behalf.
	Target, Project string
	// Uncounted leaves the target's count alone. Rules with nth do not look at it then.
	Uncounted bool
	// PerMinute is the quota of the target; 0 means none.
	PerMinute int
}

// A Ruling is what counters and script say of an occasion.
type Ruling struct {
	// Nth is the number of the request for its target since the script began.
	Nth int64
	// Wait is how long the target has to be left alone, its quota being used up; 0 for
	// not. Rules are then not asked.
	Wait time.Duration
	// Answer is that of the rule that decides, whose name is Rule, and Verdict what it
	// makes of it; nil when no rule fits.
	Answer  *Answer
	Rule    string
	Verdict Verdict
	// Deliver says that the push counts as accepted although its answer is lost.
	Deliver bool

	taken *Answer
}

// Takes reports whether the push is taken and answered.
func (r *Ruling) Takes() bool {
	return r.Answer == nil || r.Answer == r.taken || r.Answer.Fate == FateGoAway
}

// Decide counts a request for its target and asks the script about it.
func (s *Server) Decide(c *Call, o Occasion) Ruling {
	running, out := s.script.Load(), Ruling{taken: s.table.taken()}
	if !o.Uncounted {
		counted := s.callers
		if o.Endpoint == s.kind.Endpoints[0] {
			counted = s.targets
		}
		if out.Nth, out.Wait = counted.hit(o.Target, running, c.Now, o.PerMinute); out.Wait > 0 {
			return out
		}
	}
	r, draw := running.match(&request{Occasion: o, nth: out.Nth, connNth: c.ConnNth, now: c.Now})
	if r != nil {
		out.Answer, out.Rule, out.Deliver = r.answer, r.Name, r.Deliver
		out.Verdict = s.ruled(c.Now, r, draw)
	}
	return out
}

// Record counts, keeps and logs a request to the kind's first endpoint, and what
// became of it; a is the answer's name for the counters.
func (s *Server) Record(r *Request, a *Answer, v *Verdict) {
	r.Answer = a.Name
	if v.answered() {
		r.Status, r.RetryAfter = v.Status, v.RetryAfter
		s.counters.status[v.Status].Add(1)
	}
	s.counters.answers[a.id].Add(1)
	if r.Accepted {
		s.counters.accepted.Add(1)
		v.accepted++
		s.targets.accept(r.Target)
	}
	s.memory.keep(r)
	s.log.write(r)
	s.counters.requests.Add(1) // last, so that whoever waits for it finds the rest
	s.audience.tell(r, &s.counters.missed)
}

// CountToken counts an access token that is issued.
func (s *Server) CountToken() { s.counters.tokens.Add(1) }
