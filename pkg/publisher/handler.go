package publisher

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// handlerInFlight is how many receipts a handler has in flight unless its config says
	// otherwise.
	handlerInFlight = 256
	// handlerGrace is how long a handler that stops publishes what waits.
	handlerGrace = 5 * time.Second
	// handlerBatch is how many receipts share one fsync at most.
	handlerBatch = 256
)

// handlerConfig holds the keys of a handler's config beside those of
// [push.Common].
type handlerConfig struct {
	URL         string        `json:"url"`
	Subject     string        `json:"subject"`
	Shards      int           `json:"shards"`
	Creds       string        `json:"creds_file"`
	NKey        string        `json:"nkey_file"`
	CA          string        `json:"ca_file"`
	Cert        string        `json:"cert_file"`
	Key         string        `json:"key_file"`
	Inbox       string        `json:"inbox_prefix"`
	Keep        time.Duration `json:"keep"`
	MaxReceipts int           `json:"max_receipts"`
	MaxBytes    int           `json:"max_bytes"`
	MaxContent  int           `json:"max_content"`
	File        string        `json:"file"`
}

// Handler gives the receipts of its channel to a [Queue]. Make it with [NewHandler].
type Handler struct {
	failed func(r *push.Receipt, err error)
	mu     sync.Mutex // held by Init
	front  atomic.Pointer[front]
}

var (
	_ push.Reporter = (*Handler)(nil)
	_ push.Drainer  = (*Handler)(nil)
)

// NewHandler returns a handler that publishes to pushworker the receipts it is
// given. A chat server registers it in place of the handlers that now run in
// pushworker:
//
//	push.Register("pushworker", publisher.NewHandler(report))
//	push.Init(`[{"name":"pushworker","config":{"url":"nats://broker:4222","file":"/var/lib/chat/push.queue"}}]`)
//
// The keys of its config, beside those of [push.Common]: url (one or more with
// commas between, default nats://127.0.0.1:4222), subject ([DefaultSubject]), shards
// ([Config.Shards]), and for authentication creds_file, nkey_file, ca_file, cert_file with key_file, and
// inbox_prefix (_INBOX); keep, max_receipts, max_bytes, file and max_content are those of
// [QueueConfig]. Its concurrency, 256 by default, is how many receipts are in flight, and
// buffer, 1024 by default, how many its channel takes while it moves others into the
// queue. timeout does not count.
//
// The chat server starts and runs although the broker may be down: Init succeeds, the
// handler tries to connect for ever, and receipts wait in the queue. A handler that stops
// publishes what waits for at most 5 s. What remains is in the file for the next
// start; without a file it is lost and told of.
//
// A receipt that has a trace, see [push.Receipt.Trace], is published with it: a chat server
// that traces gives its receipts one with [push.Receipt.Follow].
//
// failed is told of each receipt that is lost and why: it did not fit into the queue, cannot be
// published, was kept too long, or remained at the stop. It is called by two goroutines
// and may be nil; when the receipts come from a queue, their Done has the error as well. A receipt
// that the chat server could not send to the channel is not the handler's and not told of.
func NewHandler(failed func(r *push.Receipt, err error)) *Handler {
	if failed == nil {
		failed = func(*push.Receipt, error) {}
	}
	return &Handler{failed: failed}
}

// Init implements [push.Handler].
func (h *Handler) Init(jsonconf string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.IsReady() {
		return errors.New("handler is already initialised: stop it before another Init")
	}
	common, err := push.ParseCommon(jsonconf)
	if err == nil && !common.Enabled {
		return nil
	}
	queue, confErr := h.dial(jsonconf, common)
	if err := errors.Join(err, confErr); err != nil {
		return err
	}
	f := &front{
		in: make(chan *push.Receipt, common.Buffer), mark: &push.Receipt{}, queue: queue, failed: h.failed,
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	f.grace, f.hurry = context.WithCancel(context.Background()) //nolint:forbidigo // outlives the Init that makes it
	h.front.Store(f)
	go f.run()
	return nil
}

// dial makes the queue of a handler, with a connection of its own.
func (h *Handler) dial(jsonconf string, common push.Common) (*Queue, error) {
	cfg, _, err := readConfig(jsonconf)
	if err != nil {
		return nil, err
	}
	nc, err := Connect(jsonconf)
	if err != nil {
		return nil, err
	}
	flying := handlerInFlight
	if common.Concurrency > 0 {
		flying = common.Concurrency
	}
	q, err := NewQueue(nc, QueueConfig{
		Config:      Config{Subject: cfg.Subject, Shards: cfg.Shards, MaxContent: cfg.MaxContent, MaxInFlight: flying},
		MaxReceipts: cfg.MaxReceipts, MaxBytes: cfg.MaxBytes, KeepFor: cfg.Keep, File: cfg.File,
		Lost: h.failed,
	})
	if err != nil {
		nc.Close()
	}
	return q, err
}

// IsReady implements [push.Handler]: it is true between an Init of an enabled handler and
// Stop.
func (h *Handler) IsReady() bool {
	f := h.front.Load()
	return f != nil && !f.stopping.Load()
}

// Push implements [push.Handler].
func (h *Handler) Push() chan<- *push.Receipt {
	if f := h.front.Load(); f != nil {
		return f.in
	}
	return nil
}

// ReportsOutcome implements [push.Reporter].
func (*Handler) ReportsOutcome() {}

// Counts are those of the handler's queue, of the last Init; zero before one.
func (h *Handler) Counts() Counts {
	if f := h.front.Load(); f != nil {
		return f.queue.Counts()
	}
	return Counts{}
}

// Stop implements [push.Handler]: it is [Handler.Drain] with 5 s.
func (h *Handler) Stop() {
	_ = h.Drain(context.Background()) //nolint:forbidigo // Handler.Stop gets no context; failed has been told
}

// Drain implements [push.Drainer]. It takes no further receipts and publishes those that wait,
// until ctx ends or 5 s have passed.
func (h *Handler) Drain(ctx context.Context) error {
	f := h.front.Load()
	if f == nil {
		return nil
	}
	if f.stopping.CompareAndSwap(false, true) {
		close(f.stop)
	}
	select {
	case <-f.stopped:
	case <-ctx.Done():
		f.hurry()
		<-f.stopped
	}
	return nil
}
