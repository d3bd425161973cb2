package topology

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
)

const (
	// janitorEvery is how often a janitor looks unless told otherwise.
	janitorEvery = 30 * time.Second
	// trimAbove and trimTo are the fill in percent of MaxBytes above which a
	// janitor trims, and to which.
	trimAbove, trimTo = 75, 50
	// trimSteps bounds the purges of one trim; each step aims by the average size
	// of the messages left.
	trimSteps = 8
)

// Janitor keeps room in the stream of receipts: when handled history fills it to
// 75 %, the janitor trims it to 50 %, never beyond what every durable of the
// stream has settled, whoever made the durable. Without a durable it does
// nothing. Any number of processes may run one.
type Janitor struct {
	conn     *broker.Conn
	topology Topology
	stream   string
	every    time.Duration
	log      zerolog.Logger
	mine     func() bool // whether this process looks; nil: it does
	stuck    string      // the lane that was named last
}

// NewJanitor returns the janitor of t's first stream of receipts, looking every interval;
// 0 means 30 s.
func NewJanitor(c *broker.Conn, t Topology, every time.Duration, log zerolog.Logger) *Janitor {
	if every <= 0 {
		every = janitorEvery
	}
	return &Janitor{conn: c, topology: t, stream: t.Receipts(), every: every, log: log}
}

// When has j look only while mine returns true. Call it before Run.
func (j *Janitor) When(mine func() bool) *Janitor {
	j.mine = mine
	return j
}

// Run looks and trims until ctx ends, and returns nil. When the broker forbids what
// a janitor needs it says so once and looks no more.
func (j *Janitor) Run(ctx context.Context) error {
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	for {
		var err error
		if j.mine == nil || j.mine() {
			err = j.Trim(ctx)
		}
		if denied, ok := errors.AsType[*broker.DeniedError](err); ok {
			j.log.Warn().Err(denied).Str("stream", j.stream).Msg("no permission to trim settled history: give it to this user or run another worker that has it, see deploy/permissions")
			<-ctx.Done()
			return nil
		}
		if err != nil && ctx.Err() == nil {
			j.log.Warn().Err(err).Str("stream", j.stream).Msg("cannot trim settled history; retrying: the stream may fill up if this continues")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Trim purges handled history when the stream is too full. It logs each trim, and
// once when there is nothing to trim.
func (j *Janitor) Trim(ctx context.Context) error {
	info, err := j.conn.StreamInfo(ctx, j.stream)
	if err != nil {
		return err
	}
	if !fuller(info, trimAbove) {
		j.stuck = ""
		return nil
	}
	before := info.State
	for range trimSteps {
		settled, err := SettledBelow(ctx, j.conn, j.stream)
		if err != nil {
			return err
		}
		cut := min(settled, aim(info))
		if cut <= info.State.FirstSeq { // enough has gone, or nothing more may go
			break
		}
		if info, err = j.purge(ctx, cut); err != nil {
			return err
		}
	}
	j.report(ctx, before, info)
	return nil
}

func (j *Janitor) report(ctx context.Context, before jetstream.StreamState, info *jetstream.StreamInfo) {
	after := info.State
	if after.FirstSeq > before.FirstSeq {
		j.log.Info().Str("stream", j.stream).Uint64("below", after.FirstSeq).
			Uint64("bytes_before", before.Bytes).Uint64("bytes_after", after.Bytes).Msg("trimmed settled history")
	}
	if !fuller(info, trimAbove) {
		j.stuck = ""
		return
	}
	if name, text := j.holder(ctx); name != j.stuck {
		j.stuck = name
		j.log.Warn().Str("stream", j.stream).Str("lane", name).Uint64("bytes", after.Bytes).Int64("max_bytes", info.Config.MaxBytes).
			Msg("stream fills, and refuses publishers when it is full: " + text)
	}
}

// holder names the lane that has settled the least, and what to do about it.
func (j *Janitor) holder(ctx context.Context) (name, text string) {
	durables, err := j.conn.Durables(ctx, j.stream)
	if err != nil || len(durables) == 0 {
		return "-", "no lane has a durable: start a worker"
	}
	last := slices.MinFunc(durables, func(a, b *jetstream.ConsumerInfo) int {
		return cmp.Compare(a.AckFloor.Stream, b.AckFloor.Stream)
	})
	name = last.Config.Durable
	others, _ := Others(ctx, j.conn, j.topology)
	if slices.ContainsFunc(others, func(l Lane) bool { return l.Name == name && l.Abandoned }) {
		return name, fmt.Sprintf("no worker runs lane %s; receipts that it has not settled: %d; start a worker with it, or remove it with `pushworker lane retire %s`", name, last.NumPending, name)
	}
	return name, fmt.Sprintf("receipts that lane %s has not settled: %d; see `pushworker status` for its provider and pauses, or start more workers", name, last.NumPending)
}

func fuller(info *jetstream.StreamInfo, percent uint64) bool {
	limit := info.Config.MaxBytes
	return limit > 0 && info.State.Bytes > uint64(limit)/100*percent
}

// aim is the sequence below which messages would have to go to reach trimTo, if
// all were of average size.
func aim(info *jetstream.StreamInfo) uint64 {
	s := info.State
	keep := uint64(max(0, info.Config.MaxBytes)) / 100 * trimTo
	if s.Bytes <= keep || s.Msgs == 0 {
		return s.FirstSeq
	}
	share := float64(s.Bytes-keep) / float64(s.Bytes)
	return s.FirstSeq + 1 + uint64(share*float64(s.LastSeq-s.FirstSeq))
}

// purge returns the stream's state after it.
func (j *Janitor) purge(ctx context.Context, below uint64) (*jetstream.StreamInfo, error) {
	err := j.conn.Ask(ctx, "$JS.API.STREAM.PURGE."+j.stream, func(ctx context.Context) error {
		s, err := j.conn.JetStream().Stream(ctx, j.stream)
		if err != nil {
			return err
		}
		return s.Purge(ctx, jetstream.WithPurgeSequence(below))
	})
	if err != nil {
		return nil, fmt.Errorf("purging stream %s below sequence %d: %w", j.stream, below, err)
	}
	return j.conn.StreamInfo(ctx, j.stream)
}

// SettledBelow is the sequence below which every durable of a stream has settled everything;
// 0 when there is no durable.
func SettledBelow(ctx context.Context, c *broker.Conn, stream string) (uint64, error) {
	durables, err := c.Durables(ctx, stream)
	if err != nil || len(durables) == 0 {
		return 0, err
	}
	lowest := durables[0].AckFloor.Stream
	for _, d := range durables {
		lowest = min(lowest, d.AckFloor.Stream)
	}
	return lowest + 1, nil
}
