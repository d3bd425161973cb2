package fake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// requestLog writes one line of JSON per push.
type requestLog struct {
	to     io.Writer
	reveal bool
	public func(target string) bool // what need not be hidden
	key    []byte                   // of the hashes, new at each start
	missed *atomic.Int64
	mu     sync.Mutex
}

func newLog(o Options, public func(string) bool, missed *atomic.Int64) *requestLog {
	return &requestLog{to: o.Log, reveal: o.Reveal, public: public, key: []byte(rand.Text()), missed: missed}
}

// logLine is a request as the log and /fake/requests show it.
type logLine struct {
	Time    time.Time `json:"time"`
	Number  uint64    `json:"number"`
	Conn    uint64    `json:"conn"`
	Stream  uint32    `json:"stream,omitempty"`
	Project string    `json:"project"`
	Target  string    `json:"target,omitempty"`
	// Subscribers are the targets that get it when Target is a topic.
	Subscribers []string `json:"subscribers,omitempty"`
	Nth         int64    `json:"nth,omitempty"`
	DryRun      bool     `json:"dry_run,omitempty"`
	Bytes       int      `json:"bytes"`
	Rule        string   `json:"rule,omitempty"`
	Answer      string   `json:"answer"`
	Status      int      `json:"status,omitempty"`
	// RetryAfter is as sent: seconds or a date.
	RetryAfter string `json:"retry_after,omitempty"`
	// Accepted is false for dry runs.
	Accepted bool              `json:"accepted"`
	ID       string            `json:"id,omitempty"`
	Header   map[string]string `json:"header,omitempty"`
	Body     json.RawMessage   `json:"body,omitempty"`
}

func (l *requestLog) line(r *Request) []byte {
	line := logLine{
		Time: r.Time.UTC(), Number: r.Number, Conn: r.Conn, Stream: r.Stream, Project: r.Project,
		Target: l.mask(r.Target), Nth: r.Nth, DryRun: r.DryRun, Bytes: len(r.Body),
		Rule: r.Rule, Answer: r.Answer, Status: r.Status, RetryAfter: r.RetryAfter, Accepted: r.Accepted, ID: r.ID, Header: r.Header,
	}
	for _, target := range r.Subscribers {
		line.Subscribers = append(line.Subscribers, l.mask(target))
	}
	if l.reveal && json.Valid(r.Body) {
		line.Body = r.Body
	}
	text, err := json.Marshal(line)
	if err != nil {
		return []byte("{}\n") // can't happen: the body is valid
	}
	return append(text, '\n')
}

// mask hides a token behind a short hash, so that equal ones can be told.
func (l *requestLog) mask(target string) string {
	if l.reveal || target == "" || l.public(target) {
		return target
	}
	h := hmac.New(sha256.New, l.key)
	_, _ = io.WriteString(h, target)
	return "#" + hex.EncodeToString(h.Sum(nil)[:5])
}

func (l *requestLog) write(r *Request) {
	if l.to == nil {
		return
	}
	text := l.line(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.to.Write(text); err != nil {
		l.missed.Add(1)
	}
}
