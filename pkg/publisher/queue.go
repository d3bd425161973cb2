package publisher

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// QueueConfig says how a [Queue] keeps and publishes receipts. Its zero value is ready
// to use.
type QueueConfig struct {
	// Config is that of the publisher underneath. RetryFor is how long a receipt is tried
	// without a pause of the whole queue; KeepFor ends the tries.
	Config
	// MaxReceipts is how many receipts, or parts of large ones, may wait. The default is 100,000.
	MaxReceipts int
	// MaxBytes bounds what they take in memory, roughly. The default is 64 MiB. The file
	// has at most twice as much and 4 MiB.
	MaxBytes int
	// KeepFor is how long a receipt is kept and tried. The default, zero, keeps it for as
	// long as there is room. A receipt that the broker stored without being able to say so
	// is stored twice if it is tried again after the stream's dedup window, 2 min.
	KeepFor time.Duration
	// File keeps the receipts over the end of the process. Each process has its own. Empty
	// means that they are in memory only. [ADR 027] has its form.
	//
	// [ADR 027]: https://github.com/pushworker/pushworker/blob/main/docs/adr/027-publisher-queue.md
	File string
	// Lost is called for each receipt that Put took and that is given up, one call at a
	// time. It may take its time: what waits for it keeps its room. It must not call Close.
	Lost func(r *push.Receipt, err error)
}

// Counts are what has become of the receipts of a [Queue]. A receipt that was split counts as
// one for each part, except in Lost.
type Counts struct {
	// Waiting are kept now, and take WaitingBytes of memory.
	Waiting, WaitingBytes int
	// Stored were acknowledged by the broker.
	Stored uint64
	// Lost were refused by Put or given up.
	Lost uint64
	// Recovered were in the file when the queue began, and Damaged are the bytes in it that
	// were not readable: the end of a write that a crash cut off, or a fault of the disk.
	Recovered int
	Damaged   int64
	// Unsaved are taken, but were not written to the file; see [ErrNotSaved].
	Unsaved uint64
}

var (
	// ErrQueueFull says that the queue has no room. The receipt is lost unless the caller
	// keeps it.
	ErrQueueFull = errors.New("queue of receipts is full: check that the broker is up, or allow for more receipts and bytes")
	// ErrNotSaved says that the queue has taken the receipt and will publish it, but could
	// not write it to its file: it is lost if the process ends before.
	ErrNotSaved = errors.New("receipt waits in memory only, because the file of the queue cannot be written: make room on the disk")
	// ErrKept says that a receipt was kept for as long as the configuration says.
	ErrKept = errors.New("receipt was kept for as long as it may be")
)

// Queue publishes receipts in the background and keeps them until the broker has stored
// them, however long it is away: in memory, and in a file if there is one. Receipts with a
// recipient or channel in common are stored in the order of the Puts; others do not
// wait for each other. Its methods may be called from any goroutine.
type Queue struct {
	pub  *Publisher
	cfg  QueueConfig
	file *journal // nil without one
	wake chan struct{}
	pump sync.WaitGroup

	mu       sync.Mutex
	all      list.List // of *entry, in the order of the Puts
	last     uint64    // number of the last entry
	users    map[push.Uid]*entry
	channels map[string]*entry
	ready    line      // entries that follow none
	lost     []*entry  // that are to be told of
	flying   int       // launched
	rest     time.Time // nothing is launched before
	bytes    int
	counts   Counts
	closed   bool
	leaving  bool          // nothing is tried any more
	drained  chan struct{} // closed when the queue is closed and all is empty, or told of
}

// NewQueue returns a Queue on nc, which stays the caller's; see [New]. With a file it begins
// with what the file has.
func NewQueue(nc *nats.Conn, cfg QueueConfig) (*Queue, error) {
	cfg.MaxReceipts = cmp.Or(cfg.MaxReceipts, 100_000)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 64<<20)
	if min(cfg.MaxReceipts, cfg.MaxBytes) < 0 || cfg.KeepFor < 0 {
		return nil, errors.New("check queue config: MaxReceipts, MaxBytes and KeepFor must not be negative")
	}
	pub, err := New(nc, cfg.Config)
	if err != nil {
		return nil, err
	}
	cfg.Config = pub.cfg
	q := &Queue{
		pub: pub, cfg: cfg, wake: make(chan struct{}, 1), // one wake-up is enough
		users: map[push.Uid]*entry{}, channels: map[string]*entry{}, drained: make(chan struct{}),
	}
	q.all.Init()
	if err := q.open(); err != nil {
		_ = pub.Close(context.Background()) //nolint:forbidigo // nothing is in flight
		return nil, err
	}
	q.pump.Go(q.run)
	return q, nil
}

// Put takes r, or says why not: [ErrQueueFull], [ErrTooLarge], [ErrRefused] or [ErrClosed]. It
// waits for no broker. With a file it returns when r is on the disk: what it returned nil
// for survives a crash of the process. [ErrNotSaved] says that r is taken all the same. ctx is for
// [Config.Trace] alone. r is the caller's again when Put returns.
func (q *Queue) Put(ctx context.Context, r *push.Receipt, opts ...Option) error {
	saved, err := q.add(ctx, r, nil, opts)
	if err != nil {
		return err
	}
	return saved.wait()
}

// Counts says what has become of the receipts so far.
func (q *Queue) Counts() Counts {
	q.mu.Lock()
	c := q.counts
	c.Waiting, c.WaitingBytes = q.all.Len(), q.bytes
	q.mu.Unlock()
	if q.file != nil {
		c.Unsaved = q.file.unsaved.Load()
	}
	return c
}

// Close takes no further receipts and publishes those that wait until ctx ends. What
// remains then is in the file for the next process; without a file it is lost and told
// of, one by one, before Close returns. The error says that something remained.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.rouse()
	var err error
	select {
	case <-q.drained:
	case <-ctx.Done():
		if n := q.leave(); n > 0 {
			err = fmt.Errorf("publish what waits: %d receipts remain: %w", n, context.Cause(ctx))
		}
	}
	q.pump.Wait()
	over, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	_ = q.pub.Close(over) // nothing is in flight that anybody waits for
	if q.file != nil {
		err = errors.Join(err, q.file.close())
	}
	return err
}

// rouse has the pump look.
func (q *Queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// open takes over what the file has.
func (q *Queue) open() error {
	if q.cfg.File == "" {
		return nil
	}
	file, had, err := openJournal(q.cfg.File)
	if err != nil {
		return err
	}
	for _, e := range had.puts {
		r := e.receipt()
		e.addressed(r)
		e.cost = cost(part{e.msg, r}, false)
		q.link(e)
	}
	q.last = had.last
	q.counts.Recovered, q.counts.Damaged = len(had.puts), had.damaged
	if err := file.start(q.live); err != nil {
		return err
	}
	q.file = file
	return nil
}

// live lists what waits.
func (q *Queue) live() []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]*entry, 0, q.all.Len())
	for place := q.all.Front(); place != nil; place = place.Next() {
		if e, ok := place.Value.(*entry); ok {
			all = append(all, e)
		}
	}
	return all
}
