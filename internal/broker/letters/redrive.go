package letters

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/deadletter"
)

var (
	// ErrNotRemoved says that a letter's receipt is with its lane, but the letter is
	// still there.
	ErrNotRemoved = errors.New("letter could not be removed")
	// ErrLaneMissing says that nobody would take a receipt sent back to the lane.
	ErrLaneMissing = errors.New("broker knows no such lane: enable the handler and start a worker once, then redrive again")
)

// Redriver sends letters back to their lanes. Not safe for concurrent use.
type Redriver struct {
	letters   *Letters
	scheduler *queue.Scheduler
	topology  topology.Topology
	lanes     map[string]bool // those that were there
}

// NewRedriver returns the redriver of t's dead-letter stream. t need not list the
// handlers.
func NewRedriver(c *broker.Conn, t topology.Topology) *Redriver {
	return &Redriver{letters: New(c, t), scheduler: queue.NewScheduler(c, t), topology: t, lanes: make(map[string]bool)}
}

// Refused reports whether err is about one letter, so that others may do better.
func Refused(err error) bool {
	for _, why := range []error{
		deadletter.ErrForeign, deadletter.ErrNoReceipt, deadletter.ErrNoLane, deadletter.ErrCut, deadletter.ErrStale, ErrLaneMissing, ErrNoLetter,
	} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// Check returns why l cannot be redriven now, or nil. It changes nothing.
func (r *Redriver) Check(ctx context.Context, l deadletter.Letter) error {
	if err := l.Redrivable(time.Now()); err != nil {
		return err
	}
	if r.lanes[l.Handler] {
		return nil
	}
	if err := r.lane(ctx, l.Handler); err != nil {
		return err
	}
	r.lanes[l.Handler] = true
	return nil
}

// lane asks whether there is a lane that would take what is stored for it.
func (r *Redriver) lane(ctx context.Context, handler string) error {
	d := r.topology.Retries(handler)
	_, err := r.letters.conn.ConsumerInfo(ctx, d.Stream, d.Config.Durable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrInvalidConsumerName):
		return fmt.Errorf("lane %s: %w", handler, ErrLaneMissing)
	case err != nil:
		return fmt.Errorf("looking for lane %s: %w", handler, err)
	}
	return nil
}

// Redrive sends the receipt of l back to the lane of l, and to no other, as one that
// has not been tried: its attempts and its age count from now. Then it removes the
// letter. The receipt is stored and confirmed first, with the letter's identity as
// its dedup id: interrupted in between and done again within the retry stream's
// dedup window, two minutes at least, it is stored once, and again is true. What has
// ended processes runs alone.
//
// An error wrapping [ErrNotRemoved] says that only the second step is missing; after
// any other nothing has changed.
func (r *Redriver) Redrive(ctx context.Context, l deadletter.Letter) (again bool, err error) {
	if err := r.Check(ctx, l); err != nil {
		return false, err
	}
	again, err = r.scheduler.Put(ctx, r.receipt(l))
	if err != nil {
		return false, fmt.Errorf("storing the receipt of letter %d for lane %s: %w", l.Seq, l.Handler, err)
	}
	if err := r.letters.Remove(ctx, l.Seq); err != nil {
		return again, fmt.Errorf("%w, though lane %s has its receipt: %w: redrive it again within two minutes, or drop it", ErrNotRemoved, l.Handler, err)
	}
	return again, nil
}

// receipt is what the lane gets. No schedule is needed: it is due.
func (r *Redriver) receipt(l deadletter.Letter) *nats.Msg {
	subject := wire.RetryPrefix + l.Handler
	if l.Alone() {
		subject += wire.SuspectsToken
	}
	m := nats.NewMsg(subject)
	m.Data = l.Data
	wire.SetRetry(m.Header, consumer.Retry{
		Handler: l.Handler, Error: l.Error, Origin: consumer.Origin{
			RootStream: l.Stream, RootSeq: l.StreamSeq, Subject: l.Subject, First: l.First, Expires: l.Expires, Waited: l.Waited,
			Header: l.Header, Traced: l.Traced, Narrowed: l.Narrowed, Redriven: l.Redriven + 1, Restarted: time.Now(),
		},
	})
	m.Header.Set(wire.HeaderReason, l.Reason)
	m.Header.Set(jetstream.MsgIDHeader, "redrive:"+r.letters.stream+":"+strconv.FormatUint(l.Seq, 10)+":"+strconv.FormatInt(l.Stored.UnixNano(), 36))
	return m
}
