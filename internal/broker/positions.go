package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The bucket in which lanes record how far they are.
const (
	lanesBucket = "push-lanes"
	lanesStream = "KV_" + lanesBucket
	lanesPrefix = "$KV." + lanesBucket + "."
)

// position is how far a lane is, recorded outside its durable, which somebody may
// delete. It is never ahead of the durable: what it says is settled is settled.
type position struct {
	// Stream is when the stream was made of which Settled is a sequence; zero before
	// the stream was there.
	Stream time.Time `json:"stream,omitzero"`
	// Settled is the sequence up to which everything is settled.
	Settled uint64 `json:"settled"`
	// PausedUntil is when a pause ends; zero if there is none.
	PausedUntil time.Time `json:"paused_until,omitzero"`
	// Left says that the worker that wrote this has stopped running the lane.
	Left bool `json:"left,omitempty"`

	written time.Time // by the broker's clock
}

// positions is what a process knows of the lanes of its durables. The zero value
// is ready.
type positions struct {
	mu    sync.Mutex
	known map[string]position // by key
}

func (p *positions) learn(key string, is position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = make(map[string]position)
	}
	p.known[key] = is
}

func (p *positions) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, key)
}

func (p *positions) of(key string) (position, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is, known := p.known[key]
	return is, known
}

func (t Topology) positionKey(lane string) string { return lanesPrefix + t.Stream + "." + lane }

// positionOf is the position of a durable of a stream that was made at created.
func positionOf(info *jetstream.ConsumerInfo, created time.Time) position {
	p := position{Stream: created, Settled: info.AckFloor.Stream}
	if info.Paused && info.Config.PauseUntil != nil {
		p.PausedUntil = *info.Config.PauseUntil
	}
	return p
}

// lanesConfig is what a KV client would make.
func (t Topology) lanesConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: lanesStream, Description: "how far lanes are, in case that their durables are deleted; keys <stream>.<lane>",
		Subjects: []string{lanesPrefix + ">"}, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: -1, MaxMsgs: -1, MaxMsgsPerSubject: 1, MaxConsumers: -1, MaxMsgSize: -1,
		Replicas: t.Replicas, Duplicates: freshWindow, AllowRollup: true, DenyDelete: true, AllowDirect: true,
	}
}

// provisionLanes makes the bucket of positions. Lanes work without: it is told, and
// is no reason not to start.
func (c *Conn) provisionLanes(ctx context.Context, t Topology) []Difference {
	diffs, err := c.provisionStream(ctx, wantedStream{
		object: "bucket " + lanesBucket, config: t.lanesConfig(), settings: lanesSettings(),
		otherwise: "remove it with `nats kv del " + lanesBucket + "` and start again",
	})
	if err != nil && ctx.Err() == nil {
		c.log.Warn().Err(err).Msg("lanes do not record their positions: one whose durable is deleted will start with the next receipt published")
	}
	return diffs
}

func lanesSettings() []setting[jetstream.StreamConfig] {
	return reliedOn("retention", "storage", "sealed", "subjects", "max_age", "max_msgs_per_subject", "replicas", "no_ack", "allow_direct")
}

// recordFirst notes, before there is a stream, that the lanes are older than it, so
// that every process that makes their durables begins with the oldest receipt,
// though publishers may be faster.
func (c *Conn) recordFirst(ctx context.Context, t Topology) {
	for _, lane := range t.Handlers {
		if t.Starts[lane] != "" {
			continue
		}
		first := position{Left: true} // nobody runs it yet
		c.positions.learn(t.positionKey(lane), first)
		if err := c.record(ctx, t.positionKey(lane), first); err != nil {
			c.log.Debug().Err(err).Str("handler", lane).Msg("the position of a lane was not recorded")
		}
	}
}

// record writes a position.
func (c *Conn) record(ctx context.Context, key string, p position) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding a position: %w", err)
	}
	return c.putLane(ctx, &nats.Msg{Subject: key, Data: data})
}

// forgetPosition has the lane be new again.
func (c *Conn) forgetPosition(ctx context.Context, key string) error {
	c.positions.forget(key)
	err := c.putLane(ctx, &nats.Msg{Subject: key, Header: nats.Header{kvOperation: {"DEL"}}})
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return nil // there is no bucket
	}
	return err
}

func (c *Conn) putLane(ctx context.Context, m *nats.Msg) error {
	err := c.request(ctx, m.Subject, func(ctx context.Context) error {
		_, err := c.js.PublishMsg(ctx, m, jetstream.WithExpectStream(lanesStream), jetstream.WithRetryAttempts(0))
		return err
	})
	if err != nil {
		return fmt.Errorf("writing to bucket %s: %w", lanesBucket, err)
	}
	return nil
}

// recorded reads what is recorded of the lanes of t's stream, by key. Without a
// bucket that is nothing.
func (c *Conn) recorded(ctx context.Context, t Topology) (map[string]position, error) {
	const subject = "$JS.API.DIRECT.GET." + lanesStream
	body, err := json.Marshal(lastQuestion{[]string{t.positionKey("*")}, maxAnswer})
	if err != nil {
		return nil, fmt.Errorf("encoding a question to bucket %s: %w", lanesBucket, err)
	}
	all := make(map[string]position)
	err = c.request(ctx, subject, func(ctx context.Context) error {
		return c.eachOf(ctx, subject, body, maxLastBatch, "No Results", func(_ uint64, m *nats.Msg) {
			var p position
			if kvValue(m.Data, m.Header) == nil || json.Unmarshal(m.Data, &p) != nil {
				return // deleted, or not ours
			}
			p.written, _ = time.Parse(time.RFC3339Nano, lastOf(m.Header, jetstream.TimeStampHeaer))
			all[lastOf(m.Header, jetstream.SubjectHeader)] = p
		})
	})
	if err != nil && !errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("reading bucket %s: %w", lanesBucket, err)
	}
	return all, nil
}

// lastPosition is where a lane of t stood, as far as this process or the bucket
// knows: the later of the two, since neither is ahead of the truth.
func (c *Conn) lastPosition(ctx context.Context, t Topology, lane string) (p position, known bool) {
	key := t.positionKey(lane)
	here, seen := c.positions.of(key)
	all, err := c.recorded(ctx, t)
	if err != nil && ctx.Err() == nil {
		c.log.Warn().Err(err).Str("handler", lane).Msg("the recorded position of the lane cannot be read")
	}
	there, written := all[key]
	switch {
	case !written:
		return here, seen
	case !seen || !here.Stream.Equal(there.Stream) || there.Settled > here.Settled:
		return there, true
	}
	return here, true
}
