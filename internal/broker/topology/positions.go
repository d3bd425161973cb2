package topology

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
)

// Positions is how far the lanes of this process are, as it knows it and records it in
// the bucket push-lanes, so that a durable that somebody deletes is made anew where it
// was. Any number of processes may record the same lanes.
type Positions struct {
	conn     *broker.Conn
	topology Topology
	log      zerolog.Logger
	written  map[string]position // by lane, as this process wrote it last
	failed   bool                // to write, and said so
	trouble  atomic.Pointer[error]

	mu    sync.Mutex
	known map[string]position // by lane
}

// NewPositions returns the positions of t's lanes, of which nothing is known yet.
func NewPositions(c *broker.Conn, t Topology, log zerolog.Logger) *Positions {
	return &Positions{conn: c, topology: t, log: log, written: make(map[string]position), known: make(map[string]position)}
}

func (p *Positions) learn(lane string, at position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[lane] = at
}

// last is where a lane stood, as far as this process or the bucket knows: the later of
// the two, since neither is ahead of the truth.
func (p *Positions) last(ctx context.Context, lane string) (at position, known bool) {
	p.mu.Lock()
	here, seen := p.known[lane]
	p.mu.Unlock()
	all, err := recorded(ctx, p.conn, p.topology)
	if err != nil && ctx.Err() == nil {
		p.log.Warn().Err(err).Str("handler", lane).Msg("cannot read the recorded position of the lane; using the position that this worker knows")
	}
	there, written := all[p.topology.PositionKey(lane)]
	switch {
	case !written:
		return here, seen
	case !seen || !here.Stream.Equal(there.Stream) || there.Settled > here.Settled:
		return there, true
	}
	return here, true
}

// Make creates a durable that is missing: that of the receipts where the lane was, and
// those of the retries with the oldest, since their stream holds only what is not settled.
func (p *Positions) Make(ctx context.Context, want Durable) (Difference, error) {
	begin := start{policy: jetstream.DeliverAllPolicy, why: "it starts with the oldest message kept"}
	at, known := p.last(ctx, want.Lane)
	if want.Stream == p.topology.Stream {
		info, err := p.conn.StreamInfo(ctx, p.topology.Stream)
		if err != nil {
			return Difference{}, err
		}
		begin = p.topology.startOf(want.Lane, at, known, info)
	}
	begin.apply(&want.Config, at)
	err := p.conn.Ask(ctx, want.CreateSubject(), func(ctx context.Context) error {
		_, err := p.conn.JetStream().CreateConsumer(ctx, want.Stream, want.Config)
		return err
	})
	return Difference{Object: want.String(), Have: "none", Want: begin.why, Updated: true, Notice: begin.notice}, err
}

// provision makes the bucket of positions. Lanes work without: it is told, and is no
// reason not to start.
func (p *Positions) provision(ctx context.Context) []Difference {
	diffs, err := p.topology.positionBucket().Provision(ctx, p.conn)
	if err != nil && ctx.Err() == nil {
		p.log.Warn().Err(err).Msg("lane positions are not recorded: if a durable is deleted, its lane starts with the next receipt published; correct the error and restart the worker")
	}
	return diffs
}

// recordFirst notes, before there is a stream, that the lanes are older than it, so
// that every process that makes their durables begins with the oldest receipt,
// though publishers may be faster.
func (p *Positions) recordFirst(ctx context.Context) {
	for _, lane := range p.topology.Handlers {
		if p.topology.Starts[lane] != "" {
			continue
		}
		first := position{Left: true} // no worker runs it yet
		p.learn(lane, first)
		if err := record(ctx, p.conn, p.topology, lane, first); err != nil {
			p.log.Debug().Err(err).Str("handler", lane).Msg("cannot record the position of a lane")
		}
	}
}
