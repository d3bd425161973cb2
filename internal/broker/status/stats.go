// Package status says how the lanes and streams are, what of the broker this user may
// use, and what is known of single receipts. It changes nothing.
package status

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/channel"
)

// Stats is the state of the lanes and streams, in the form of `status -o json`.
type Stats struct {
	// Lanes are those asked for, and after them the abandoned ones.
	Lanes   []LaneStats   `json:"lanes"`
	Streams []StreamStats `json:"streams"`
	// AbandonedDurables counts the durables of abandoned lanes.
	AbandonedDurables int `json:"abandoned_durables"`
	// At is when the broker was asked, by this process's clock; zero if nobody noted it.
	At time.Time `json:"-"`
}

// LaneStats is the state of one lane over all processes.
type LaneStats struct {
	Handler string `json:"handler"`
	// Pending counts receipts not yet delivered to any process for the first time.
	Pending uint64 `json:"pending"`
	// Delivered is the sequence of the last receipt that was delivered for the first
	// time, added up over the streams of receipts; how it grows is the lane's pace.
	Delivered uint64 `json:"delivered"`
	// InFlight counts deliveries not yet settled: fresh, retries and suspects.
	InFlight int `json:"in_flight"`
	// Redelivered counts those of InFlight that were delivered more than once.
	Redelivered int `json:"redelivered"`
	// RetriesWaiting counts retries whose time has not come, or has come and which
	// have not been delivered: Scheduled + Due + Suspects.
	RetriesWaiting uint64 `json:"retries_waiting"`
	Scheduled      uint64 `json:"scheduled"`
	Due            uint64 `json:"due"`
	Suspects       uint64 `json:"suspects"`
	// OldestPending is when the oldest receipt that the lane has not settled was
	// published; zero when there is none or it may not be asked for.
	OldestPending time.Time `json:"oldest_pending,omitzero"`
	// OldestPendingSeconds is its age by the broker's clock.
	OldestPendingSeconds float64 `json:"oldest_pending_seconds"`
	// Paused says that an operator has paused the lane or a part of it, PausedUntil
	// when it goes on by itself.
	Paused      bool      `json:"paused"`
	PausedUntil time.Time `json:"paused_until,omitzero"`
	// Channels is how it stands with the subscriptions of devices to channels, and Keeper
	// where the process runs that keeps them; absent when no process does.
	Channels *channel.Report `json:"channels,omitempty"`
	Keeper   string          `json:"keeper,omitempty"`
	// Abandoned says that no worker runs the lane, and that it was not asked for: its
	// durables hold receipts, so that the stream fills.
	Abandoned bool `json:"abandoned,omitempty"`
}

// StreamStats is the state of one stream.
type StreamStats struct {
	Stream   string    `json:"stream"`
	Messages uint64    `json:"messages"`
	Bytes    uint64    `json:"bytes"`
	FirstSeq uint64    `json:"first_seq"`
	LastSeq  uint64    `json:"last_seq"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	// MaxBytes is the limit in bytes, -1 for none; MaxAgeSeconds 0 for none.
	MaxBytes      int64   `json:"max_bytes"`
	MaxAgeSeconds float64 `json:"max_age_seconds"`
	Replicas      int     `json:"replicas"`
}

// Reader reads the state of the lanes and streams. It remembers what the broker has
// forbidden it.
type Reader struct {
	conn       *broker.Conn
	mayNotList atomic.Bool // the durables of streams
	mayNotRead atomic.Bool // the bucket of channels
}

// NewReader returns a reader.
func NewReader(c *broker.Conn) *Reader { return &Reader{conn: c} }

// Stats asks the broker for the state of everything in t. What it could not
// learn, for example because the user lacks a permission, is left out and told
// in the error; the rest is good.
func (r *Reader) Stats(ctx context.Context, t topology.Topology) (Stats, error) {
	s := Stats{Lanes: make([]LaneStats, 0, len(t.Handlers)), Streams: make([]StreamStats, 0, 3)}
	var errs []error
	for _, h := range t.Handlers {
		lane, err := laneStats(ctx, r.conn, t, h)
		if lane.Handler != "" {
			s.Lanes = append(s.Lanes, lane)
		}
		errs = append(errs, err)
	}
	errs = append(errs, r.addAbandoned(ctx, t, &s), r.addChannels(ctx, &s))
	for _, want := range t.Streams() {
		info, err := r.conn.StreamInfo(ctx, want.Config.Name)
		if err != nil {
			errs = append(errs, fmt.Errorf("asking for the state of stream %s: %w", want.Config.Name, err))
			continue
		}
		if want.Config.Name == t.Stream {
			errs = append(errs, topology.MoreShards(ctx, r.conn, t, info))
		}
		stream := streamStats(info)
		if want.Config.Name == t.RetryStream() {
			stream.MaxBytes = t.RetryMaxBytes // kept by Scheduler, not by the broker
		}
		s.Streams = append(s.Streams, stream)
	}
	return s, errors.Join(errs...)
}

func streamStats(info *jetstream.StreamInfo) StreamStats {
	s := StreamStats{
		Stream: info.Config.Name, Messages: info.State.Msgs, Bytes: info.State.Bytes,
		FirstSeq: info.State.FirstSeq, LastSeq: info.State.LastSeq,
		MaxBytes: info.Config.MaxBytes, MaxAgeSeconds: info.Config.MaxAge.Seconds(), Replicas: info.Config.Replicas,
	}
	if info.State.Msgs > 0 {
		s.First, s.Last = info.State.FirstTime, info.State.LastTime
	}
	return s
}

// laneStats returns a zero LaneStatsStats when the lane's durables could not be asked.
func laneStats(ctx context.Context, c *broker.Conn, t topology.Topology, handler string) (LaneStats, error) {
	var infos []*jetstream.ConsumerInfo
	for _, d := range t.Durables(handler) {
		info, err := c.ConsumerInfo(ctx, d.Stream, d.Config.Durable)
		if err != nil {
			return LaneStats{}, fmt.Errorf("asking for the state of %s: %w%s", d, err, d.Remedy(err))
		}
		infos = append(infos, info)
	}
	return statsOf(ctx, c, t, handler, infos)
}

// statsOf puts together what the durables of a lane say.
func statsOf(ctx context.Context, c *broker.Conn, t topology.Topology, handler string, infos []*jetstream.ConsumerInfo) (LaneStats, error) {
	s := LaneStats{Handler: handler, PausedUntil: pausedUntil(infos)}
	s.Paused = !s.PausedUntil.IsZero()
	retries := len(infos) - 2
	for i, info := range infos {
		if info == nil {
			continue
		}
		s.InFlight += info.NumAckPending
		s.Redelivered += info.NumRedelivered
		*[]*uint64{&s.Pending, &s.Due, &s.Suspects}[max(0, i-retries+1)] += info.NumPending
	}
	scheduled, err := c.First(ctx, t.RetryStream(), 1, wire.SchedulePrefix+handler+".>")
	s.Scheduled = scheduled.Count
	s.RetriesWaiting = s.Scheduled + s.Due + s.Suspects
	errs := []error{err}
	for i, shard := range t.Each() {
		if infos[i] != nil {
			errs = append(errs, s.addFresh(ctx, c, shard.Receipts(), infos[i]))
		}
	}
	return s, errors.Join(errs...)
}

// addFresh adds what the lane's durable of a stream of receipts says.
func (s *LaneStats) addFresh(ctx context.Context, c *broker.Conn, stream string, fresh *jetstream.ConsumerInfo) error {
	s.Delivered += fresh.Delivered.Stream
	if fresh.NumPending == 0 && fresh.NumAckPending == 0 {
		return nil
	}
	oldest, err := c.First(ctx, stream, fresh.AckFloor.Stream+1, ">")
	if oldest.Count > 0 && (s.OldestPending.IsZero() || oldest.Stored.Before(s.OldestPending)) {
		s.OldestPending = oldest.Stored
		s.OldestPendingSeconds = max(0, fresh.TimeStamp.Sub(oldest.Stored).Seconds())
	}
	return err
}

// addAbandoned adds the abandoned lanes to s. Who may not list durables does without.
func (r *Reader) addAbandoned(ctx context.Context, t topology.Topology, s *Stats) error {
	if r.mayNotList.Load() {
		return nil
	}
	others, err := topology.Others(ctx, r.conn, t)
	if _, denied := errors.AsType[*broker.DeniedError](err); denied {
		r.mayNotList.Store(true)
		return nil
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // whoever asks for the streams tells
	}
	var errs []error
	for _, other := range others {
		if !other.Abandoned {
			continue
		}
		for _, info := range other.Durables {
			if info != nil {
				s.AbandonedDurables++
			}
		}
		lane, err := statsOf(ctx, r.conn, t, other.Name, other.Durables)
		lane.Abandoned = true
		s.Lanes, errs = append(s.Lanes, lane), append(errs, err)
	}
	return errors.Join(append(errs, err)...)
}

// addChannels adds to the lanes of s how it stands with channels. Who may not read that
// does without.
func (r *Reader) addChannels(ctx context.Context, s *Stats) error {
	if r.mayNotRead.Load() {
		return nil
	}
	leases, err := channels.Leases(ctx, r.conn)
	if _, denied := errors.AsType[*broker.DeniedError](err); denied {
		r.mayNotRead.Store(true)
		return nil
	}
	for i := range s.Lanes {
		if l, kept := leases[s.Lanes[i].Handler]; kept {
			s.Lanes[i].Channels, s.Lanes[i].Keeper = &l.Report, l.Host
		}
	}
	return err //nolint:wrapcheck // it says all
}

// pausedUntil is when the last of a lane's durables that are paused goes on by
// itself; zero when none is paused.
func pausedUntil(infos []*jetstream.ConsumerInfo) time.Time {
	var until time.Time
	for _, info := range infos {
		if info != nil && info.Paused && info.Config.PauseUntil != nil && info.Config.PauseUntil.After(until) {
			until = *info.Config.PauseUntil
		}
	}
	return until
}
