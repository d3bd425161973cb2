package topology

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

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
	looked   map[string]time.Time
	open     map[string]bool // by lane: receipts were in hand when it was looked at
	failed   bool            // to write, and said so
	took     map[string]func() bool
	mine     func() bool
	trouble  atomic.Pointer[error]

	mu    sync.Mutex
	known map[string]position // by lane
}

// NewPositions returns the positions of t's lanes in its first stream of receipts, of which
// nothing is known yet.
func NewPositions(c *broker.Conn, t Topology, log zerolog.Logger) *Positions {
	return &Positions{conn: c, topology: t, log: log, written: make(map[string]position), open: make(map[string]bool), looked: make(map[string]time.Time), took: make(map[string]func() bool), known: make(map[string]position)}
}

// Follow has p look at a lane only when something may have changed: took reports whether
// the lane has taken a receipt since the last call. Call it before Run.
func (p *Positions) Follow(lane string, took func() bool) { p.took[lane] = took }

// When has p show that lanes are run on which nothing happens only while mine returns
// true. Call it before Run.
func (p *Positions) When(mine func() bool) { p.mine = mine }

// due reports whether the position of a lane may be news.
func (p *Positions) due(lane string) bool {
	took := p.took[lane]
	if took == nil || took() {
		p.open[lane] = true
	}
	if p.open[lane] || p.failed {
		return true
	}
	seen := p.looked[lane]
	return time.Since(seen) > shownEvery+keepEvery && (p.mine == nil || p.mine())
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
	all, err := recorded(ctx, p.conn, p.topology.Each()[0])
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
	if want.Stream == p.topology.Receipts() {
		info, err := p.conn.StreamInfo(ctx, p.topology.Receipts())
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
// reason not to start. An error is one that may pass.
func (p *Positions) provision(ctx context.Context) ([]Difference, error) {
	diffs, err := p.topology.positionBucket().Provision(ctx, p.conn)
	if broker.Passing(err) {
		return diffs, err
	}
	if err != nil && ctx.Err() == nil {
		p.log.Warn().Err(err).Msg("lane positions are not recorded: if a durable is deleted, its lane starts with the next receipt published; correct the error and restart the worker")
	}
	return diffs, nil
}

// recordFirst notes, before there is a stream, that the lanes are older than it, so
// that every process that makes their durables begins with the oldest receipt,
// though publishers may be faster. An error is one that may pass.
func (p *Positions) recordFirst(ctx context.Context) error {
	for _, lane := range p.topology.Handlers {
		if p.topology.Starts[lane] != "" && p.topology.shard == 0 {
			continue // it says where a lane begins, not where one that is there goes on
		}
		first := position{Left: true} // no worker runs it yet
		p.learn(lane, first)
		err := record(ctx, p.conn, p.topology, lane, first)
		if broker.Passing(err) {
			return err
		}
		if err != nil {
			p.log.Debug().Err(err).Str("handler", lane).Msg("cannot record the position of a lane")
		}
	}
	return nil
}
