package consumer

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// rememberedMarks bounds each table of marks: 65,536 users' reads, and as many
	// badges for each lane.
	rememberedMarks = 1 << 16
	// shareEvery is how long marks are gathered before other processes are told, and
	// shareMost how many; beyond that they are not told.
	shareEvery = 100 * time.Millisecond
	shareMost  = 4096
)

// Mark is what a process tells others of a user: up to which message the user has
// read a topic, or which badge a lane has sent.
type Mark struct {
	User push.Uid `json:"user"`
	// Topic is that of a read; empty for a badge.
	Topic string `json:"topic,omitempty"`
	// Handler is the lane of a badge; empty for a read.
	Handler string `json:"handler,omitempty"`
	// Value is the number of the last message read, or the badge.
	Value int `json:"value"`
	// Stream, Seq and At are where and when the receipt was published that said so.
	Stream string    `json:"stream,omitempty"`
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
}

// Marks remembers what was read and which badges were sent, by the lanes of this
// process and, as far as they have told, by those of others. It forgets: a table is
// bounded, and the newest mark takes the place of whatever was there. All methods
// are safe for concurrent use.
type Marks struct {
	seed  maphash.Seed
	reads markTable

	mu     sync.Mutex
	lanes  map[string]*markTable // badges, by handler
	shares atomic.Bool           // somebody else wants to know
	gather sync.Mutex
	fresh  []Mark // not told yet
}

// NewMarks makes an empty memory. The lanes of a process share one.
func NewMarks() *Marks { return &Marks{seed: maphash.MakeSeed(), lanes: make(map[string]*markTable)} }

// badges is the table of one lane.
func (m *Marks) badges(handler string) *markTable {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lanes[handler] == nil {
		m.lanes[handler] = &markTable{}
	}
	return m.lanes[handler]
}

// of stands for a stream in places.
func (m *Marks) of(stream string) uint64 { return maphash.String(m.seed, stream) }

// Learn takes what other processes have told. Badges of lanes that this process does
// not have are ignored.
func (m *Marks) Learn(marks []Mark) {
	for _, mark := range marks {
		told := place{stream: m.of(mark.Stream), seq: mark.Seq, at: mark.At.UnixNano(), value: mark.Value}
		if mark.Topic != "" {
			told.key = newConversation(m.seed, mark.Topic).of(mark.User)
			m.reads.note(told)
			continue
		}
		m.mu.Lock()
		table := m.lanes[mark.Handler]
		m.mu.Unlock()
		if table != nil {
			told.key = uint64(mark.User)
			table.note(told)
		}
	}
}

// Share says whether other processes are to be told.
func (m *Marks) Share(wanted bool) { m.shares.Store(wanted) }

// Run tells others by publish, ten times a second at most, until ctx ends.
func (m *Marks) Run(ctx context.Context, publish func([]Mark)) {
	ticker := time.NewTicker(shareEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		m.gather.Lock()
		fresh := m.fresh
		m.fresh = nil
		m.gather.Unlock()
		if len(fresh) > 0 {
			publish(fresh)
		}
	}
}

// tell gathers marks for others, if there are any.
func (m *Marks) tell(marks ...Mark) {
	if !m.shares.Load() {
		return
	}
	m.gather.Lock()
	defer m.gather.Unlock()
	if room := shareMost - len(m.fresh); room > 0 {
		m.fresh = append(m.fresh, marks[:min(room, len(marks))]...)
	}
}

// markTable is direct-mapped by key. Its zero value is empty.
type markTable struct {
	used   atomic.Bool
	mu     sync.Mutex
	places []place
}

// place is one mark: the receipt with sequence seq of stream, published at the time at,
// has said value of key.
type place struct {
	key, stream, seq uint64
	at               int64
	value            int
}

// after reports whether the mark is later than p. Both sequence and time must be: a
// stream that was made anew counts from 1 again, and a clock can be set back. Between
// receipts of several streams, which count each for itself, the time must do.
func (m place) after(p place) bool {
	if m.stream != p.stream {
		return m.at > p.at
	}
	return m.seq > p.seq && m.at >= p.at
}

// note takes p unless a later mark of its key is there, and returns the mark that
// counts then.
func (t *markTable) note(p place) place {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.places == nil {
		t.places = make([]place, rememberedMarks)
		t.used.Store(true)
	}
	there := &t.places[p.key%rememberedMarks]
	if there.key != p.key || !there.after(p) {
		*there = p
	}
	return *there
}

// find returns the mark of key, if there is one.
func (t *markTable) find(key uint64) (place, bool) {
	if !t.used.Load() {
		return place{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.places[key%rememberedMarks]
	return p, p.key == key
}
