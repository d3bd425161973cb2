package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/consumer"
)

// fillEvery is how old a Scheduler's knowledge of its stream's fill may be.
const fillEvery = time.Second

// ErrRetriesFull says that the retries waiting have reached their limit in bytes.
var ErrRetriesFull = errors.New("retry stream is full")

// Scheduler stores retries in the retry stream, where they wait for their time.
type Scheduler struct {
	conn     *broker.Conn
	stream   string
	main     string // the stream of receipts, of several the first
	maxBytes int64

	looking chan struct{} // has room for the caller that asks for the fill
	looked  time.Time     // when it was last asked for
	blind   bool          // the broker forbids to ask
	full    atomic.Pointer[error]
	clock   atomic.Pointer[clock]
}

// clock is the broker's, by which schedules are due: a worker whose own clock is
// wrong would put retries off by hours. Between two looks at it, it goes by our
// monotonic clock, which nobody sets.
type clock struct{ broker, local time.Time }

// now is the broker's time; without knowledge of it, ours.
func (c *clock) now() time.Time {
	if c == nil {
		return time.Now()
	}
	return c.broker.Add(time.Since(c.local))
}

var _ consumer.Scheduler = (*Scheduler)(nil)

// NewScheduler returns the scheduler of t's retry stream.
func NewScheduler(c *broker.Conn, t topology.Topology) *Scheduler {
	return &Scheduler{conn: c, stream: t.RetryStream(), main: t.Stream, maxBytes: t.RetryMaxBytes, looking: make(chan struct{}, 1)}
}

// Schedule implements [consumer.Scheduler]. It waits for the broker's
// confirmation until ctx ends, at most five seconds. Call it from as many
// goroutines as there are retries to store.
//
// The dedup id is the identity of the message that is being settled, with the
// attempts it had: settled twice, it is stored once; the retry that comes back is
// another message and has another id.
//
// When the retries waiting take more than the topology's RetryMaxBytes, as seen
// once a second, it stores nothing and returns [ErrRetriesFull]. The limit is not for
// a retry of a retry, whose room is free once it is stored, nor for the last that a
// stopping lane stores. A user without permission for STREAM.INFO of the retry stream
// knows no limit.
func (s *Scheduler) Schedule(ctx context.Context, r consumer.Retry) error {
	if err := s.room(ctx); err != nil && !r.Last && r.Origin.Stream != s.stream {
		return err
	}
	target := wire.RetryPrefix + r.Handler
	if r.Origin.Alone {
		target += wire.SuspectsToken
	}
	id := s.identity(r.Origin)
	if r.Part != "" {
		id += "-" + r.Part
	}
	m := nats.NewMsg(target)
	m.Data = r.Data
	wire.SetRetry(m.Header, r)
	m.Header.Set(jetstream.MsgIDHeader, r.Handler+":"+r.Origin.Stream+":"+id+":"+strconv.Itoa(r.Origin.Attempts)+":"+strconv.FormatBool(r.Origin.Alone))
	if r.Delay > 0 {
		// The client's WithScheduleAt cuts off the fraction of the second, which makes
		// a retry come up to a second early.
		m.Subject = wire.SchedulePrefix + r.Handler + "." + id
		m.Header.Set(jetstream.ScheduleHeader, "@at "+wire.FormatTime(s.clock.Load().now().Add(r.Delay)))
		m.Header.Set(jetstream.ScheduleTargetHeader, target)
	}
	if _, err := store(ctx, s.conn, m, s.stream); err != nil {
		return fmt.Errorf("storing the retry of message %d of stream %s for handler %s: %w", r.Origin.Seq, r.Origin.Stream, r.Handler, err)
	}
	return nil
}

// Put stores a message in the retry stream, if there is room. It reports whether one
// with the same dedup id was there already.
func (s *Scheduler) Put(ctx context.Context, m *nats.Msg) (again bool, err error) {
	if err := s.room(ctx); err != nil {
		return false, err
	}
	return store(ctx, s.conn, m, s.stream)
}

// room returns ErrRetriesFull when there is none left. Of many callers one asks
// the broker; the others go by what is known, or wait for it when nothing is.
func (s *Scheduler) room(ctx context.Context) error {
	if s.turn(ctx) {
		s.look(ctx)
		<-s.looking
	}
	if full := s.full.Load(); full != nil {
		return *full
	}
	return nil
}

// turn reports whether it is the caller's turn to look. It waits for that, until ctx
// ends, only when nothing is known yet.
func (s *Scheduler) turn(ctx context.Context) bool {
	select {
	case s.looking <- struct{}{}:
		return true
	default:
	}
	if s.clock.Load() != nil {
		return false
	}
	select {
	case s.looking <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Scheduler) look(ctx context.Context) {
	if s.blind || time.Since(s.looked) < fillEvery || !s.conn.Connected() {
		return
	}
	asked := time.Now()
	info, err := s.conn.StreamInfo(ctx, s.stream)
	if err != nil { // storing will tell what is wrong
		_, s.blind = errors.AsType[*broker.DeniedError](err)
		return
	}
	s.looked = time.Now()
	s.clock.Store(&clock{broker: info.TimeStamp, local: asked}) // rather late than early
	s.full.Store(nil)
	if used := info.State.Bytes; used > uint64(max(0, s.maxBytes)) {
		s.full.Store(new(fmt.Errorf("%w: %d bytes wait in %s, and %d are allowed: check why the provider accepts nothing, or raise PUSHWORKER_RETRY_MAX_BYTES",
			ErrRetriesFull, used, s.stream, s.maxBytes)))
	}
}

// identity is a subject token that names a stored message for ever.
func (s *Scheduler) identity(o consumer.Origin) string {
	id := strconv.FormatUint(o.Seq, 10) + "-" + strconv.FormatInt(o.Stored.UnixNano(), 36)
	if o.Stream != s.main && o.Stream != s.stream { // several streams of receipts count alike
		id += "-" + o.Stream
	}
	return id
}
