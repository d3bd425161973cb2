package status

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"hash/fnv"
	random "math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

const (
	// restEvery is how often the broker is asked while nobody reads the answers.
	restEvery = 15 * time.Second
	// readFor is how long somebody who has read is expected to read again.
	readFor = 2 * time.Minute
	// patience is after how much silence of the process that asks another does: this
	// long to twice as long, so that they do not all begin at once.
	patience = 12 * time.Second
	// tooOld is the age at which an answer that others have told is no answer any more.
	tooOld = 45 * time.Second
)

// told is what goes over push.status.<stream>.<lanes>: without Stats, that the process
// is there, and whether somebody reads there.
type told struct {
	From  string    `json:"from"`
	Read  bool      `json:"read,omitempty"`
	Asked time.Time `json:"asked,omitzero"`
	Stats *Stats    `json:"stats,omitempty"`
}

// Shared is a [Reader] for all processes that run the same lanes: one of them asks the
// broker, and tells the others. It is best effort: no message is stored, and none is
// awaited; a process that hears nobody asks for itself. Make one with [NewShared]; Run
// listens.
type Shared struct {
	reader   *Reader
	topology topology.Topology
	subject  string
	self     string
	patience time.Duration

	mu     sync.Mutex
	heard  time.Time // when the process that asks was heard last; zero if this one asks
	read   time.Time // when somebody read last, here or elsewhere
	hinted time.Time // when that was told the others
	asked  time.Time // of stats
	stats  Stats
	err    error
}

// NewShared returns what shares the answers of r about t.
func NewShared(r *Reader, t topology.Topology) *Shared {
	lanes := fnv.New64a()
	_, _ = lanes.Write([]byte(strings.Join(slices.Sorted(slices.Values(t.Handlers)), " "))) // never fails
	return &Shared{
		reader: r, topology: t, self: rand.Text(), patience: patience + random.N(patience), //nolint:gosec // jitter
		subject: wire.StatusPrefix + t.Stream + "." + strconv.FormatUint(lanes.Sum64(), 36),
	}
}

// Run listens to the other processes until ctx ends, and returns nil.
func (s *Shared) Run(ctx context.Context) error {
	sub, err := s.reader.conn.NATS().Subscribe(s.subject, s.hear)
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", s.subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails only when the connection is closed
	<-ctx.Done()
	return nil
}

// Mine reports whether this process asks the broker for all: no other does that is heard
// of. More than one may for a while.
func (s *Shared) Mine() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mine()
}

func (s *Shared) mine() bool { // holds mu
	return time.Since(s.heard) > s.patience || time.Since(s.asked) > tooOld
}

// Want notes that somebody reads, and wants what is fresh.
func (s *Shared) Want() {
	s.mu.Lock()
	s.read = time.Now()
	hint := s.read.Sub(s.hinted) > readFor/4
	if hint {
		s.hinted = s.read
	}
	s.mu.Unlock()
	if hint {
		s.tell(told{From: s.self, Read: true})
	}
}

// Fresh returns the latest answer if it is no older than tooOld and whole.
func (s *Shared) Fresh() (Stats, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats, s.err == nil && time.Since(s.asked) <= tooOld
}

// Stats returns the latest answer. If it is this process's turn to ask, it asks, when
// somebody reads; while nobody does, every 15 s.
func (s *Shared) Stats(ctx context.Context, _ topology.Topology) (Stats, error) {
	s.mu.Lock()
	mine, read, age := s.mine(), time.Since(s.read) < readFor, time.Since(s.asked)
	known, err := s.stats, s.err
	s.mu.Unlock()
	switch {
	case !mine:
		return known, err
	case !read && age < restEvery && err == nil:
		s.tell(told{From: s.self})
		return known, nil
	}
	at := time.Now()
	stats, err := s.reader.Stats(ctx, s.topology)
	stats.At = at
	s.mu.Lock()
	s.stats, s.err, s.asked = stats, err, at
	s.mu.Unlock()
	if err == nil { // else the others see for themselves
		s.tell(told{From: s.self, Asked: at, Stats: &stats})
	}
	return stats, err
}

// tell publishes m, and waits for nobody.
func (s *Shared) tell(m told) {
	if !s.reader.conn.Connected() {
		return
	}
	if text, err := json.Marshal(m); err == nil {
		_ = s.reader.conn.NATS().Publish(s.subject, text) // best effort
	}
}

// hear takes what another process tells. Of two that ask, the one with the higher name
// stops.
func (s *Shared) hear(m *nats.Msg) {
	var t told
	if json.Unmarshal(m.Data, &t) != nil || t.From == s.self {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Read {
		s.read = now
		return
	}
	if t.From > s.self && s.mine() && !s.asked.IsZero() && s.err == nil {
		return
	}
	s.heard = now
	if t.Stats != nil {
		t.Stats.At = now // by this process's clock
		s.stats, s.err, s.asked = *t.Stats, nil, now
	}
}
