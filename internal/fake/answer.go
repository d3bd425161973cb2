package fake

import (
	"cmp"

	"github.com/pushworker/pushworker/internal/fake/h2"
)

// A Fate is what becomes of the exchange.
type Fate uint8

// The fates.
const (
	FateAnswer Fate = iota + 1 // answered
	FateStall                  // never answered
	FateReset                  // RST_STREAM INTERNAL_ERROR; HTTP/1.1: cut
	FateRefuse                 // RST_STREAM REFUSED_STREAM; HTTP/1.1: closed
	FateGoAway                 // answered, GOAWAY; HTTP/1.1: Connection: close
	FateClose                  // connection closed in order, without an answer
	FateCut                    // connection reset
	FateFreeze                 // connection half-open from here on
)

// Content types of answers.
const (
	TypeJSON  = "application/json; charset=UTF-8"
	TypeHTML  = "text/html; charset=UTF-8"
	TypeText  = "text/plain; charset=UTF-8"
	typeLines = "application/x-ndjson"
)

// An Answer is one row of the table of what a provider can say.
type Answer struct {
	// Name is what rules call it, About one line for people.
	Name, About string
	Status      int
	// Fate is FateAnswer if it is left out.
	Fate Fate
	// RetryAfter is the Retry-After in seconds that comes with it; 0 means none.
	RetryAfter int
	// ContentType is TypeJSON if it is left out.
	ContentType string
	Header      []h2.Field
	Body        string

	bytes []byte // Body, made once
	id    int    // place in the table
}

// custom is the answer of a rule that gives a status instead of a name.
const custom = "custom"

// LineAnswers are the answers that every server has: what becomes of the
// connection. taken is the answer to a push that is.
func LineAnswers(taken Answer) []Answer {
	goaway := taken
	goaway.Name, goaway.Fate = "goaway", FateGoAway
	goaway.About = "the message is taken, and GOAWAY: no further requests on this connection"
	return []Answer{
		{Name: "stall", Fate: FateStall, About: "no answer"},
		{Name: "reset", Fate: FateReset, About: "RST_STREAM INTERNAL_ERROR (HTTP/1.1: as cut)"},
		{Name: "refuse", Fate: FateRefuse, About: "RST_STREAM REFUSED_STREAM: not processed (HTTP/1.1: as close)"},
		goaway,
		{Name: "close", Fate: FateClose, About: "the connection is closed in order, without an answer"},
		{Name: "cut", Fate: FateCut, About: "the connection is reset"},
		{Name: "freeze", Fate: FateFreeze, About: "the connection is half-open from here on: nothing is read or answered, pings included"},
	}
}

// A table holds the answers and finds them by name.
type table struct {
	kind  *Kind
	rows  []Answer
	index map[string]int
}

func newTable(k *Kind) *table {
	t := &table{kind: k, index: make(map[string]int)}
	t.rows = append(append(append(t.rows, k.Answers...), LineAnswers(k.Answers[0])...), Answer{Name: custom, ContentType: TypeText})
	for i := range t.rows {
		row := &t.rows[i]
		row.Fate = cmp.Or(row.Fate, FateAnswer)
		row.ContentType = cmp.Or(row.ContentType, TypeJSON)
		row.bytes, row.id = []byte(row.Body), i
		t.index[row.Name] = i
	}
	return t
}

// taken is the answer to a push that is accepted.
func (t *table) taken() *Answer { return &t.rows[0] }

func (t *table) row(name string) *Answer { return &t.rows[t.index[name]] }

// offers says whether a rule may name the answer; none is the one that takes it.
func (t *table) offers(name string) bool {
	_, known := t.index[name]
	return name == "" || known && name != custom
}
