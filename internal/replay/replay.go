package replay

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// keepEvery is how often the position is kept, and what was written brought out. A
// process that is killed has done this much more than it has kept.
const keepEvery = time.Second

// ErrInterrupted says that the context ended before the replay did.
var ErrInterrupted = errors.New("the replay was interrupted")

var errLimit = errors.New("the limit is reached")

// Stored is a receipt as it is stored.
type Stored struct {
	Seq  uint64
	Time time.Time
	// Expires is when the publisher said that it goes stale; zero for never.
	Expires time.Time
	// Waited is how long its publisher had kept it before.
	Waited time.Duration
	// Stream is where it is stored, and Header the publisher's own; nil for none.
	Stream string
	Header map[string][]string
	Data   []byte
}

// delivery is what a handler learns of s, which is its first attempt.
func (s *Stored) delivery() *push.Delivery {
	return &push.Delivery{
		Stream: s.Stream, Seq: s.Seq, Published: s.Time, Waited: s.Waited, Expires: s.Expires, Attempt: 1, Header: s.Header,
	}
}

// Tally counts receipts.
type Tally struct {
	// Read were looked at, Malformed of them could not be read and are left out, and
	// Matched were chosen.
	Read      int64 `json:"read"`
	Malformed int64 `json:"malformed"`
	Matched   int64 `json:"matched"`
	// Sent were written or delivered. Unsent are those for which the handler had nobody
	// to send to. Failed were refused by the handler, in whole or in part. Expired were
	// too old to be worth sending.
	Sent    int64 `json:"sent"`
	Unsent  int64 `json:"unsent"`
	Failed  int64 `json:"failed"`
	Expired int64 `json:"expired"`
	// Accepted counts the pushes that the handler's provider took.
	Accepted int64 `json:"accepted"`
}

// Position is where a replay goes on.
type Position struct {
	// Next is the first sequence that was not looked at.
	Next uint64 `json:"next"`
	// Open are those before it that are not finished, in order.
	Open []uint64 `json:"open,omitempty"`
	// Offset is the size of the output, in bytes.
	Offset int64 `json:"offset,omitempty"`
}

// Start is the first sequence that is not finished.
func (p Position) Start() uint64 {
	if len(p.Open) > 0 {
		return p.Open[0]
	}
	return p.Next
}

// Sink is where receipts go. Its methods are not called concurrently.
type Sink interface {
	// Take takes one receipt. An error ends the replay. The receipt may be settled
	// later; r is the sink's.
	Take(ctx context.Context, s Stored, r *push.Receipt) error
	// Flush brings out what was taken, before the replay waits.
	Flush() error
	// Position is where to go on after a crash, when everything before next was looked
	// at; it adds the sink's counts of the same moment. What it says is finished is on
	// the disk, or was delivered.
	Position(next uint64, t *Tally) (Position, error)
	// Finish waits for what was taken, no longer than ctx permits.
	Finish(ctx context.Context) error
	// Count adds the sink's own counts, also while another method runs.
	Count(t *Tally)
}

// Replay is one replay. Call Run once.
type Replay struct {
	Filter Filter
	// Limits bound a receipt.
	Limits push.Limits
	// Limit is how many receipts are chosen at most; 0 for no limit.
	Limit int64
	Pace  Pace
	Sink  Sink
	// From is where the replay begins, or goes on.
	From Position
	// Before is what was counted before it was interrupted.
	Before Tally
	// Save keeps the position; nil if nobody needs it.
	Save func(Position, Tally) error
	// Limited is set by Run when it stopped at the limit and there is more.
	Limited bool

	mu    sync.Mutex
	tally Tally
	next  uint64
	owed  []uint64 // those of From.Open that were not taken
}

// Progress says what was counted up to now, and the first sequence that was not
// looked at. It may be called while Run runs.
func (p *Replay) Progress() (t Tally, next uint64) {
	t, next = p.looked()
	p.Sink.Count(&t)
	return t, next
}

// looked is Progress without the counts of the sink.
func (p *Replay) looked() (t Tally, next uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t = p.tally
	t.add(p.Before)
	return t, max(p.next, p.From.Next)
}

// Extent says how much is done of a replay that ends at sequence last, and how much
// there is to do: sequences to look at, or receipts to choose where every one that is
// looked at counts towards the limit. A limit that is reached ends the replay before
// the last sequence.
func (p *Replay) Extent(last uint64) (done, total int64) {
	t, next := p.looked()
	total, done = int64(last)-int64(p.From.Next)+1, int64(next-p.From.Next) //nolint:gosec // no stream has that many
	if p.Limit > 0 {
		chosen, wanted := t.Matched-p.Before.Matched, p.Limit-p.Before.Matched
		if p.Filter == (Filter{}) {
			total = min(total, wanted)
		}
		done = max(done, int64(float64(chosen)/float64(max(1, wanted))*float64(total)))
	}
	return min(done, total), total
}

func (t *Tally) add(o Tally) {
	t.Read += o.Read
	t.Malformed += o.Malformed
	t.Matched += o.Matched
	t.Sent += o.Sent
	t.Unsent += o.Unsent
	t.Accepted += o.Accepted
	t.Failed += o.Failed
	t.Expired += o.Expired
}

// Run replays what source yields and waits until the sink has finished. It returns
// where to go on and what was counted before that, whatever the error: one of source
// or sink, or one wrapping [ErrInterrupted].
func (p *Replay) Run(ctx context.Context, source iter.Seq2[Stored, error]) (Position, Tally, error) {
	p.next, p.owed = p.From.Next, slices.Clone(p.From.Open)
	err := p.takeAll(ctx, source)
	switch {
	case err == nil, errors.Is(err, errLimit):
		p.Limited, err = err != nil, nil
		p.owed = nil // those that are still there have been deleted meanwhile
	case ctx.Err() != nil:
		err = ErrInterrupted
	}
	err = errors.Join(err, p.Sink.Finish(ctx))
	position, tally, err2 := p.keep()
	if err == nil && len(position.Open) > 0 { // Finish was interrupted
		err = ErrInterrupted
	}
	return position, tally, errors.Join(err, err2)
}

func (p *Replay) takeAll(ctx context.Context, source iter.Seq2[Stored, error]) error {
	kept := time.Now()
	for s, err := range source {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && (s.Seq >= p.From.Next || slices.Contains(p.owed, s.Seq)) {
			err = p.take(ctx, s)
		}
		if err == nil && time.Since(kept) >= keepEvery {
			_, _, err = p.keep()
			kept = time.Now()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keep finds out where to go on, and saves it.
func (p *Replay) keep() (Position, Tally, error) {
	tally, next := p.looked()
	position, err := p.Sink.Position(next, &tally)
	// What is open will be looked at once more, and was not counted if it is owed.
	tally.Read -= int64(len(position.Open))
	tally.Matched -= int64(len(position.Open))
	position.Open = append(position.Open, p.owed...)
	slices.Sort(position.Open)
	if err == nil && p.Save != nil {
		err = p.Save(position, tally)
	}
	return position, tally, err
}

// take hands one receipt to the sink if it is chosen, when its time has come.
func (p *Replay) take(ctx context.Context, s Stored) error {
	r, _, err := push.Decode(s.Data, p.Limits)
	matches := err == nil && p.Filter.Matches(r)
	if matches {
		r.Stamp(s.delivery())
		if p.Limit > 0 && p.tally.Matched+p.Before.Matched >= p.Limit {
			return errLimit
		}
		if err := p.Pace.wait(ctx, s.Time, p.Sink.Flush); err != nil {
			return err
		}
		if err := p.Sink.Take(ctx, s, r); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = max(p.next, s.Seq+1)
	p.owed = slices.DeleteFunc(p.owed, func(seq uint64) bool { return seq == s.Seq })
	p.tally.Read++
	switch {
	case err != nil:
		p.tally.Malformed++
	case matches:
		p.tally.Matched++
	}
	return nil
}
