package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/consumer"
)

// fillEvery is how old a Scheduler's knowledge of its stream's fill may be.
const fillEvery = time.Second

// ErrRetriesFull says that the retries waiting have reached their limit in bytes.
var ErrRetriesFull = errors.New("retry stream is full")

// Scheduler stores retries in the retry stream, where they wait for their time.
type Scheduler struct {
	conn     *Conn
	stream   string
	maxBytes int64

	looking chan struct{} // has room for the one who asks for the fill
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

// Scheduler returns the scheduler of t's retry stream.
func (c *Conn) Scheduler(t Topology) *Scheduler {
	return &Scheduler{conn: c, stream: t.retryStream(), maxBytes: t.RetryMaxBytes, looking: make(chan struct{}, 1)}
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
	target := retryPrefix + r.Handler
	if r.Origin.Alone {
		target += suspectsToken
	}
	id := identity(r.Origin)
	if r.Part != "" {
		id += "-" + r.Part
	}
	m := nats.NewMsg(target)
	m.Data = r.Data
	setRetry(m.Header, r)
	m.Header.Set(headerMsgID, r.Handler+":"+r.Origin.Stream+":"+id+":"+strconv.Itoa(r.Origin.Attempts)+":"+strconv.FormatBool(r.Origin.Alone))
	if r.Delay > 0 {
		// The client's WithScheduleAt cuts off the fraction of the second, which makes
		// a retry come up to a second early.
		m.Subject = schedulePrefix + r.Handler + "." + id
		m.Header.Set(jetstream.ScheduleHeader, "@at "+formatTime(s.clock.Load().now().Add(r.Delay)))
		m.Header.Set(jetstream.ScheduleTargetHeader, target)
	}
	if err := s.conn.store(ctx, m, s.stream); err != nil {
		return fmt.Errorf("storing the retry of message %d of stream %s for handler %s: %w", r.Origin.Seq, r.Origin.Stream, r.Handler, err)
	}
	return nil
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
	info, err := s.conn.streamInfo(ctx, s.stream)
	if err != nil { // storing will tell what is wrong
		_, s.blind = errors.AsType[*DeniedError](err)
		return
	}
	s.looked = time.Now()
	s.clock.Store(&clock{broker: info.TimeStamp, local: asked}) // rather late than early
	s.full.Store(nil)
	if used := info.State.Bytes; used > uint64(max(0, s.maxBytes)) {
		s.full.Store(new(fmt.Errorf("%w: %d bytes wait in %s, and %d are allowed: see why the provider takes nothing, or raise PUSHWORKER_RETRY_MAX_BYTES",
			ErrRetriesFull, used, s.stream, s.maxBytes)))
	}
}

// identity is a subject token that names a stored message for ever.
func identity(o consumer.Origin) string {
	return strconv.FormatUint(o.Seq, 10) + "-" + strconv.FormatInt(o.Stored.UnixNano(), 36)
}

func setRetry(h nats.Header, r consumer.Retry) {
	o := r.Origin
	setForwarded(h, o.Header)
	h.Set(headerHandler, r.Handler)
	h.Set(headerAttempt, strconv.Itoa(o.Attempts))
	h.Set(headerOriginStream, oneLine(o.RootStream, maxErrorText))
	h.Set(headerOriginSeq, strconv.FormatUint(o.RootSeq, 10))
	h.Set(headerOriginSubject, oneLine(o.Subject, maxErrorText))
	h.Set(headerError, oneLine(r.Error, maxErrorText))
	if r.Reason != 0 {
		h.Set(headerReason, r.Reason.String())
	}
	h.Set(headerFirst, formatTime(o.First))
	h.Set(headerLast, formatTime(time.Now()))
	setStory(h, o.Expires, o.Redriven, o.Narrowed)
	if !o.Restarted.IsZero() {
		h.Set(headerRestarted, formatTime(o.Restarted))
	}
}

// store publishes m and waits for the confirmation of stream.
func (c *Conn) store(ctx context.Context, m *nats.Msg, stream string) error {
	_, err := c.storeOnce(ctx, m, stream)
	return err
}

// storeOnce is store for those who want to know whether a message with the dedup id
// of m was there already.
func (c *Conn) storeOnce(ctx context.Context, m *nats.Msg, stream string) (duplicate bool, err error) {
	err = c.request(ctx, m.Subject, func(ctx context.Context) error {
		ack, err := c.js.PublishMsg(ctx, m, jetstream.WithExpectStream(stream))
		duplicate = err == nil && ack.Duplicate
		return err
	})
	switch {
	case isTooLarge(err):
		err = fmt.Errorf("%d bytes and headers are %w (%w): raise max_payload of the broker and max_msg_size of stream %s",
			len(m.Data), consumer.ErrTooLarge, err, stream)
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		err = fmt.Errorf("%w: stream %s is missing or has no leader; run once with PUSHWORKER_PROVISION=true", err, stream)
	}
	return duplicate, err
}

// isTooLarge reports whether the broker never takes a message of that size.
func isTooLarge(err error) bool {
	if errors.Is(err, nats.ErrMaxPayload) {
		return true
	}
	const storeFailed, messageTooLarge, headersTooLarge = 10077, 10054, 10097
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == messageTooLarge || api.ErrorCode == headersTooLarge ||
		api.ErrorCode == storeFailed && api.Description == "message too large")
}
