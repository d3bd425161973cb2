package fake

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A script is a Script that runs.
type script struct {
	source Script
	start  time.Time
	rules  []*rule
}

type rule struct {
	Rule
	answer *Answer
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
			r.Endpoint = t.kind.Endpoints[0]
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

func (r Rule) resolve(t *table) *Answer {
	if r.Status == 0 {
		if r.Answer == "" {
			return t.taken()
		}
		return t.row(r.Answer)
	}
	row := *t.row(custom)
	row.Status, row.Body, row.bytes = r.Status, r.Body, []byte(r.Body)
	return &row
}

func (r Rule) validate(t *table) error {
	var faults []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(!t.offers(r.Answer), "there is no answer %q; %s lists them", r.Answer, t.kind.Manual)
	refuse(r.Status != 0 && r.Answer != "", "answer and status exclude each other: give one")
	refuse(r.Status != 0 && (r.Status < 200 || r.Status > 599), "status %d is not between 200 and 599", r.Status)
	refuse(r.Status == 0 && (r.Body != "" || r.ContentType != ""), "body and content_type need a status")
	refuse(!slices.Contains(t.kind.Endpoints, r.Endpoint), "there is no endpoint %q: write %s", r.Endpoint, alternatives(t.kind.Endpoints))
	refuse(r.Probability < 0 || r.Probability > 1, "probability %v is not between 0 and 1", r.Probability)
	refuse(r.From < 0 || r.Until < 0 || r.Latency < 0 || r.Times < 0, "from, until, latency and times can't be negative")
	refuse(r.Until > 0 && r.Until <= r.From, "until must be after from")
	return errors.Join(faults...)
}

// alternatives writes a list as "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// request is what rules are matched against.
type request struct {
	Occasion

	nth, connNth int64
	now          time.Time
}

// match finds the rule for a request and the number that it draws with; nil
// when none fits.
func (s *script) match(o *request) (*rule, uint64) {
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

func (r *rule) fits(o *request, since Duration) bool {
	return r.Endpoint == o.Endpoint &&
		since >= r.From && (r.Until == 0 || since < r.Until) &&
		r.Nth.fits(o.nth) && r.ConnNth.fits(o.connNth) &&
		(r.Project == "" || glob(r.Project, o.Project)) &&
		(r.Token == "" || glob(r.Token, o.Target))
}

// draw is a number that depends on the request alone, not on the order in which
// requests come.
func (r *rule) draw(o *request) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(o.Target))
	return Mix(Mix(h.Sum64()^r.salt) + uint64(o.nth)) //nolint:gosec // a count is not negative
}

// Mix spreads a number over 64 bits: it is the finalizer of splitmix64.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
