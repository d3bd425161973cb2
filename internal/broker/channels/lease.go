package channels

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
)

// leasePrefix begins the keys of leases, which end in a handler's name.
const leasePrefix = "keeper."

// terms are how long a lease lasts.
type terms struct {
	// life is for how long the bucket has the lease after it was written, every is when it
	// is written anew. Without that, work ends a margin before life does: by then the
	// requests to the provider have ended, too.
	life, every, margin time.Duration
}

// usual are the terms in use: a keeper that dies is followed by another within half a
// minute.
func usual() terms {
	return terms{life: 30 * time.Second, every: 5 * time.Second, margin: 10 * time.Second}
}

// Lease is who keeps the subscriptions of a handler, and how it stands with them.
type Lease struct {
	Handler string `json:"-"`
	// ID is of one run of one process, and Host where it runs.
	ID   string `json:"id"`
	Host string `json:"host"`
	channel.Report
}

// holder is one who may hold a lease.
type holder struct {
	*Directory
	terms

	key    string
	me     Lease
	report func() channel.Report
	// revision is that of the lease, if it is held.
	revision uint64
}

func (d *Directory) holder(handler string, report func() channel.Report) *holder {
	host, _ := os.Hostname() // it is for people
	return &holder{Directory: d, terms: usual(), key: leasePrefix + handler, me: Lease{ID: nuid.New().Next(), Host: host}, report: report}
}

// acquire waits until the lease is held. The error is that of ctx.
func (h *holder) acquire(ctx context.Context) error {
	for {
		read, err := h.bucket.Read(ctx, []string{h.key})
		if err == nil && read[0].Value == nil {
			h.revision = read[0].Revision
			if err = h.write(ctx); err == nil {
				return nil
			}
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, device.ErrConflict) {
			h.log.Debug().Err(err).Msg("cannot look who keeps the subscriptions to channels; trying again")
		}
		if sleep.For(ctx, h.every) != nil {
			return context.Cause(ctx)
		}
	}
}

// write writes the lease if it is held, or if nobody holds it.
func (h *holder) write(ctx context.Context) error {
	h.me.Report = h.report()
	value, err := json.Marshal(h.me)
	if err != nil {
		return fmt.Errorf("encoding a lease: %w", err)
	}
	revision, err := h.bucket.WriteFor(ctx, h.key, value, h.revision, h.life.String())
	if err == nil {
		h.revision = revision
	}
	return err
}

// errLost says that another process may hold the lease.
var errLost = errors.New("another process keeps the subscriptions to channels")

// hold runs do as long as the lease is held, and gives it back.
func (h *holder) hold(ctx context.Context, do func(context.Context)) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lapse := time.AfterFunc(h.life-h.margin, func() { cancel(errLost) })
	defer lapse.Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(inner)
	}()
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			h.release(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
		if inner.Err() != nil {
			continue // do ends soon
		}
		began := time.Now()
		switch err := h.write(inner); {
		case err == nil:
			lapse.Reset(h.life - h.margin - time.Since(began))
		case errors.Is(err, device.ErrConflict):
			cancel(errLost)
		}
	}
}

// release gives the lease back, if it is still held.
func (h *holder) release(ctx context.Context) {
	if _, err := h.bucket.Write(ctx, h.key, nil, h.revision); err != nil && !errors.Is(err, device.ErrConflict) {
		h.log.Debug().Err(err).Msg("cannot give back the lease of subscriptions to channels; it ends by itself")
	}
}

// Leases returns who keeps subscriptions now, by handler. Without a bucket it is nobody.
func Leases(ctx context.Context, c *broker.Conn) (map[string]Lease, error) {
	b := bucketOf(c)
	all := make(map[string]Lease)
	prefix := b.Subject(leasePrefix)
	q := broker.Query{Last: []string{prefix + "*"}, Most: broker.MaxLast, MaxBytes: broker.MaxAnswer}
	err := c.DirectGet(ctx, b.Stream(), q, func(_ uint64, m *nats.Msg) {
		var l Lease
		if json.Unmarshal(broker.KVValue(m.Data, m.Header), &l) != nil {
			return // it was given back
		}
		subject := broker.LastOf(m.Header, "Nats-Subject")
		if len(subject) > len(prefix) {
			l.Handler = subject[len(prefix):]
			all[l.Handler] = l
		}
	})
	if err != nil && !errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("reading who keeps the subscriptions to channels: %w", err)
	}
	return all, nil
}

// Members counts the users who are in a channel. Those who have left their last in the
// last hour count, too.
func Members(ctx context.Context, c *broker.Conn) (uint64, error) {
	b := bucketOf(c)
	first, err := c.First(ctx, b.Stream(), 1, b.Subject(channel.MemberPrefix+"*"))
	return first.Count, err
}
