package outcome

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pushworker/pushworker/internal/consumer"
)

const (
	// maxWaiting bounds the outcomes that wait to be published: some 80 ms of a lane
	// at full speed.
	maxWaiting = 1 << 14
	// enough is how many are published without waiting for more.
	enough = 1 << 11
	// linger is how long fewer wait for company.
	linger = 50 * time.Millisecond
	// maxMessage is from which size in bytes on a message takes no further event.
	maxMessage = 24 << 10
)

// Options say where events go.
type Options struct {
	// Publish sends some events of one handler, each a line of JSON, and does not
	// wait for anybody. It may not keep them.
	Publish func(handler string, events []byte) error
	// PublishBrief sends a [Brief] of one handler likewise.
	PublishBrief func(handler string, brief []byte) error
	// Hash masks a token. It is called by one goroutine at a time.
	Hash func(token string) string
	// Clean asks for events of receipts that were plainly accepted, too; else they are
	// told in brief.
	Clean bool
	// Dry are the handlers whose provider checks pushes and delivers none. Their outcomes
	// are told in full, because a brief says that pushes were delivered.
	Dry []string
}

// Recorder publishes outcomes. Its methods are safe for concurrent use.
type Recorder struct {
	options Options
	dropped prometheus.Counter
	begun   chan struct{} // something waits
	filled  chan struct{} // enough wait

	mu      sync.Mutex
	waiting []consumer.Outcome
}

// New makes a recorder and registers its metric. Until Run runs, outcomes wait.
func New(o Options, reg prometheus.Registerer) *Recorder {
	r := &Recorder{
		options: o, begun: make(chan struct{}, 1), filled: make(chan struct{}, 1),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pushworker_events_dropped_total",
			Help: "Outcome events that were not published, because too many waited or the broker could not take them.",
		}),
	}
	reg.MustRegister(r.dropped)
	return r
}

// Observer is the recorder as a lane has it.
func (r *Recorder) Observer() consumer.Observer {
	return consumer.Observer{Tell: r.record, Clean: r.options.Clean || r.options.PublishBrief != nil}
}

// record takes o, or drops and counts it. It never waits for anybody but the copying
// of another outcome.
func (r *Recorder) record(o consumer.Outcome) {
	r.mu.Lock()
	n := len(r.waiting)
	if n < maxWaiting {
		r.waiting = append(r.waiting, o)
	}
	r.mu.Unlock()
	switch n {
	case 0:
		signal(r.begun)
	case enough:
		signal(r.filled)
	case maxWaiting:
		r.dropped.Inc()
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run publishes what is recorded until ctx ends, and then what is left. It returns
// nil.
func (r *Recorder) Run(ctx context.Context) error {
	var spare []consumer.Outcome
	for {
		select {
		case <-r.begun:
			r.await(ctx)
		case <-ctx.Done():
			r.publish(r.take(nil))
			return nil
		}
		batch := r.take(spare)
		r.publish(batch)
		clear(batch)
		spare = batch[:0]
	}
}

// await lets company gather.
func (r *Recorder) await(ctx context.Context) {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.filled:
	case <-ctx.Done():
	}
}

// take returns what waits and lets the next wait in spare.
func (r *Recorder) take(spare []consumer.Outcome) []consumer.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch := r.waiting
	r.waiting = spare
	return batch
}

// message is what is to be published of one handler: events in full, or a brief.
type message struct {
	lines  []byte
	events int
}

// topic is whose message it is, and of which kind.
type topic struct {
	handler, stream string
	brief           bool
}

func (r *Recorder) publish(batch []consumer.Outcome) {
	messages := make(map[topic]*message)
	for i := range batch {
		o := &batch[i]
		t := topic{handler: o.Handler}
		dry := slices.Contains(r.options.Dry, o.Handler)
		if t.brief = !dry && !r.options.Clean && r.options.PublishBrief != nil && isBrief(o); t.brief {
			t.stream = o.Origin.RootStream
		}
		m := messages[t]
		if m == nil {
			m = &message{}
			messages[t] = m
		}
		if t.brief {
			m.lines = appendBrief(m.lines, o)
		} else {
			m.lines = appendEvent(m.lines, o, r.options.Hash, dry)
		}
		m.events++
		if len(m.lines) >= maxMessage {
			r.send(t, m)
		}
	}
	for t, m := range messages {
		r.send(t, m)
	}
}

// send publishes m and empties it.
func (r *Recorder) send(t topic, m *message) {
	if m.events == 0 {
		return
	}
	send := r.options.Publish
	if t.brief {
		send, m.lines = r.options.PublishBrief, endBrief(m.lines)
	}
	if send(t.handler, m.lines) != nil {
		r.dropped.Add(float64(m.events))
	}
	m.lines, m.events = m.lines[:0], 0
}
