package fakefcm

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"time"
)

// The endpoints that a rule can be for.
const (
	endpointSend  = "send"
	endpointToken = "token"
	endpointIID   = "iid"
)

// A table holds the answers and finds them by name.
type table struct {
	rows  []answer
	index map[string]int
}

func newTable() *table {
	t := &table{rows: append(answers(), answer{name: custom}), index: make(map[string]int)}
	for i := range t.rows {
		row := &t.rows[i]
		if row.fate == 0 {
			row.fate = fateAnswer
		}
		row.bytes, row.id = []byte(row.body), i
		t.index[row.name] = i
	}
	return t
}

func (t *table) row(name string) *answer { return &t.rows[t.index[name]] }

// offers says whether a rule may name the answer; none is accepted.
func (t *table) offers(name string) bool {
	_, known := t.index[name]
	return name == "" || known && name != custom
}

// A script is a Script that runs.
type script struct {
	source Script
	start  time.Time
	rules  []*rule
}

type rule struct {
	Rule
	answer *answer
	salt   uint64
	fired  atomic.Int64
}

// compile checks a script, reporting all faults, and starts its clock.
func compile(source Script, t *table, start time.Time) (*script, error) {
	s := &script{source: source, start: start}
	var faults []error
	for i, r := range source.Rules {
		if r.Name == "" {
			r.Name = fmt.Sprintf("rule-%d", i+1)
		}
		if r.Endpoint == "" {
			r.Endpoint = endpointSend
		}
		compiled := &rule{Rule: r, salt: source.Seed*0x9e3779b97f4a7c15 + uint64(i)}
		compiled.answer = r.resolve(t)
		s.rules = append(s.rules, compiled)
		if err := r.validate(t); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", r.Name, err))
		}
	}
	return s, errors.Join(faults...)
}

func (r Rule) resolve(t *table) *answer {
	if r.Status == 0 {
		if r.Answer == "" {
			return t.row(accepted)
		}
		return t.row(r.Answer)
	}
	row := *t.row(custom)
	row.status, row.body, row.bytes = r.Status, r.Body, []byte(r.Body)
	return &row
}

func (r Rule) validate(t *table) error {
	var faults []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(!t.offers(r.Answer), "there is no answer %q; docs/fakefcm.md lists them", r.Answer)
	refuse(r.Status != 0 && r.Answer != "", "answer and status exclude each other: give one")
	refuse(r.Status != 0 && (r.Status < 200 || r.Status > 599), "status %d is not between 200 and 599", r.Status)
	refuse(r.Status == 0 && (r.Body != "" || r.ContentType != ""), "body and content_type need a status")
	refuse(r.Endpoint != endpointSend && r.Endpoint != endpointToken && r.Endpoint != endpointIID,
		"there is no endpoint %q: write send, token or iid", r.Endpoint)
	refuse(r.Probability < 0 || r.Probability > 1, "probability %v is not between 0 and 1", r.Probability)
	refuse(r.From < 0 || r.Until < 0 || r.Latency < 0 || r.Times < 0, "from, until, latency and times can't be negative")
	refuse(r.Until > 0 && r.Until <= r.From, "until must be after from")
	return errors.Join(faults...)
}

// occasion is what rules are matched against.
type occasion struct {
	endpoint, target, project string
	nth, connNth              int64
	now                       time.Time
}

// match finds the rule for an occasion and the number that it draws with; nil
// when none fits.
func (s *script) match(o *occasion) (*rule, uint64) {
	if len(s.rules) == 0 {
		return nil, 0
	}
	since := Duration(o.now.Sub(s.start))
	for _, r := range s.rules {
		if !r.fits(o, since) {
			continue
		}
		draw := r.draw(o)
		if r.Probability > 0 && float64(draw>>11)/(1<<53) >= r.Probability {
			continue
		}
		if r.Times > 0 && r.fired.Add(1) > r.Times {
			continue
		}
		return r, draw
	}
	return nil, 0
}

func (r *rule) fits(o *occasion, since Duration) bool {
	return r.Endpoint == o.endpoint &&
		since >= r.From && (r.Until == 0 || since < r.Until) &&
		r.Nth.fits(o.nth) && r.ConnNth.fits(o.connNth) &&
		(r.Project == "" || glob(r.Project, o.project)) &&
		(r.Token == "" || glob(r.Token, o.target))
}

// draw is a number that depends on the occasion alone, not on the order in which
// requests come.
func (r *rule) draw(o *occasion) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(o.target))
	return mix(mix(h.Sum64()^r.salt) + uint64(o.nth)) //nolint:gosec // a count is not negative
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// glob matches a pattern with * and ? against the whole text.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	first, rest := parts[0], parts[1:]
	if len(text) < len(first) || !same(first, text[:len(first)]) {
		return false
	}
	text = text[len(first):]
	if len(rest) == 0 {
		return text == ""
	}
	for _, part := range rest[:len(rest)-1] {
		at := find(part, text)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	last := rest[len(rest)-1]
	return len(text) >= len(last) && same(last, text[len(text)-len(last):])
}

// find is the first place where part matches, -1 for none.
func find(part, text string) int {
	for i := 0; i+len(part) <= len(text); i++ {
		if same(part, text[i:i+len(part)]) {
			return i
		}
	}
	return -1
}

func same(pattern, text string) bool {
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != text[i] {
			return false
		}
	}
	return true
}
