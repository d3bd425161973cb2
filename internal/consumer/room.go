package consumer

import (
	"cmp"
	"context"
	"sync"

	"github.com/pushworker/pushworker/pkg/push"
)

// DefaultMaxBytes is how much memory a lane's messages may take.
const DefaultMaxBytes int64 = 64 << 20

// What a message takes in memory, by its parts: never less than what was measured, see
// ADR 017 and BenchmarkHeld.
const (
	perMessage   = 2 << 10 // beside its bytes
	perRecipient = 192
	perDevice    = 32
	perHeader    = 128
	perByte      = 20 // the most that a byte on the wire can become
)

// weight is what m takes before it is decoded.
func weight(m Message, o *Origin) int64 {
	n := perMessage + m.Size() + m.Size()/8 // the allocator rounds up
	for _, values := range o.Header {
		n += perHeader * (1 + len(values))
	}
	return int64(n)
}

// decodedWeight is what the receipt in it takes besides, and what could not be read of it.
func decodedWeight(r *push.Receipt, bad []push.BadRecipient) int64 {
	n := perRecipient*(len(r.To)+len(bad)) + len(r.Channel) + len(r.Payload.Topic) + len(r.Payload.From) + len(r.Payload.ContentType)
	for _, to := range r.To {
		for _, id := range to.Devices {
			n += perDevice + len(id)
		}
	}
	return int64(n)
}

// largest is what the largest receipt within l takes.
func largest(l push.Limits) int64 {
	def := push.DefaultLimits()
	bytes := cmp.Or(l.MaxBytes, def.MaxBytes)
	return int64(perMessage + bytes + bytes/8 + perRecipient*cmp.Or(l.MaxRecipients, def.MaxRecipients))
}

// room bounds the bytes that an intake holds, as slots bound the messages: they are
// reserved before they are pulled.
type room struct {
	size int64

	mu   sync.Mutex
	free int64         // below zero when a message took more than was reserved for it
	more chan struct{} // closed when there is more; nil while nobody waits for that
}

func newRoom(size int64) *room { return &room{size: size, free: size} }

// reserve waits until n bytes are free, or all if n is more than that, and takes them.
// It returns how many, which is 0 if ctx ends first.
func (r *room) reserve(ctx context.Context, n int64) int64 {
	n = min(n, r.size)
	for {
		more := r.try(n)
		if more == nil {
			return n
		}
		select {
		case <-more:
		case <-ctx.Done():
			return 0
		}
	}
}

// try takes n bytes if they are free. If not, it returns what is closed when there are
// more.
func (r *room) try(n int64) (more chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.free >= n {
		r.free -= n
		return nil
	}
	if r.more == nil {
		r.more = make(chan struct{})
	}
	return r.more
}

// take takes n bytes, free or not; release gives them back.
func (r *room) take(n int64) { r.release(-n) }

func (r *room) release(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += n
	if n > 0 && r.more != nil {
		close(r.more)
		r.more = nil
	}
}
