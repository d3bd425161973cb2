package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stats is the state of the lanes and streams, in the form of `status -o json`.
type Stats struct {
	// Lanes are those asked for, and after them the abandoned ones.
	Lanes   []LaneStats   `json:"lanes"`
	Streams []StreamStats `json:"streams"`
	// AbandonedDurables counts the durables of abandoned lanes.
	AbandonedDurables int `json:"abandoned_durables"`
}

// LaneStats is the state of one lane over all processes.
type LaneStats struct {
	Handler string `json:"handler"`
	// Pending counts receipts not yet delivered to any process for the first time.
	Pending uint64 `json:"pending"`
	// Delivered is the sequence of the last receipt that was delivered for the first
	// time; how it grows is the lane's pace.
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
	// Abandoned says that nobody runs the lane, and that it was not asked for: its
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

// Stats asks the broker for the state of everything in t. What it could not
// learn, for example because the user lacks a permission, is left out and told
// in the error; the rest is good.
func (c *Conn) Stats(ctx context.Context, t Topology) (Stats, error) {
	s := Stats{Lanes: make([]LaneStats, 0, len(t.Handlers)), Streams: make([]StreamStats, 0, 3)}
	var errs []error
	for _, h := range t.Handlers {
		lane, err := c.laneStats(ctx, t, h)
		if lane.Handler != "" {
			s.Lanes = append(s.Lanes, lane)
		}
		errs = append(errs, err)
	}
	errs = append(errs, c.addAbandoned(ctx, t, &s))
	for _, want := range t.streams() {
		info, err := c.streamInfo(ctx, want.Name)
		if err != nil {
			errs = append(errs, fmt.Errorf("asking for the state of stream %s: %w", want.Name, err))
			continue
		}
		stream := streamStats(info)
		if want.Name == t.retryStream() {
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

// laneStats returns a zero LaneStats when the lane's durables could not be asked.
func (c *Conn) laneStats(ctx context.Context, t Topology, handler string) (LaneStats, error) {
	var infos laneInfos
	for i, d := range t.durables(handler) {
		info, err := c.consumerInfo(ctx, d.stream, d.config.Durable)
		if err != nil {
			return LaneStats{}, fmt.Errorf("asking for the state of %s: %w%s", d, err, d.remedy(err))
		}
		infos[i] = info
	}
	return c.statsOf(ctx, t, handler, infos)
}

// laneInfos are the states of a lane's durables, in the order of Topology.durables;
// nil for one that is missing.
type laneInfos [3]*jetstream.ConsumerInfo

// statsOf puts together what the durables of a lane say.
func (c *Conn) statsOf(ctx context.Context, t Topology, handler string, infos laneInfos) (LaneStats, error) {
	s := LaneStats{Handler: handler, PausedUntil: pausedUntil(infos[:])}
	s.Paused = !s.PausedUntil.IsZero()
	for i, info := range infos {
		if info == nil {
			continue
		}
		s.InFlight += info.NumAckPending
		s.Redelivered += info.NumRedelivered
		*[]*uint64{&s.Pending, &s.Due, &s.Suspects}[i] = info.NumPending
	}
	scheduled, err := c.next(ctx, t.retryStream(), 1, schedulePrefix+handler+".>")
	s.Scheduled = scheduled.count
	s.RetriesWaiting = s.Scheduled + s.Due + s.Suspects
	fresh := infos[0]
	if fresh == nil {
		return s, err
	}
	s.Delivered = fresh.Delivered.Stream
	if fresh.NumPending == 0 && fresh.NumAckPending == 0 {
		return s, err
	}
	oldest, err2 := c.next(ctx, t.Stream, fresh.AckFloor.Stream+1, ">")
	if oldest.count > 0 {
		s.OldestPending = oldest.stored
		s.OldestPendingSeconds = max(0, fresh.TimeStamp.Sub(oldest.stored).Seconds())
	}
	return s, errors.Join(err, err2)
}

// nextMessage is the first stored message from a sequence on, and how many there
// are with it.
type nextMessage struct {
	stored time.Time
	count  uint64
}

// next asks for the first message of stream from seq on whose subject matches.
// The answer to a batch of one carries the count of all that match, which no
// other question answers without listing them.
func (c *Conn) next(ctx context.Context, stream string, seq uint64, subject string) (nextMessage, error) {
	ask := "$JS.API.DIRECT.GET." + stream
	body, err := json.Marshal(map[string]any{"seq": seq, "batch": 1, "next_by_subj": subject})
	if err != nil {
		return nextMessage{}, fmt.Errorf("encoding a question to stream %s: %w", stream, err)
	}
	var answer *nats.Msg
	err = c.request(ctx, ask, func(ctx context.Context) (err error) {
		answer, err = c.nc.RequestWithContext(ctx, ask, body)
		return err
	})
	if err != nil {
		return nextMessage{}, fmt.Errorf("reading stream %s: %w", stream, err)
	}
	h := answer.Header
	if h.Get(jetstream.SequenceHeader) == "" { // 404: there is none
		return nextMessage{}, nil
	}
	rest, err := strconv.ParseUint(h.Get("Nats-Num-Pending"), 10, 64)
	if err != nil {
		return nextMessage{}, fmt.Errorf("reading the answer of stream %s: %w: it needs nats-server 2.12 or newer", stream, err)
	}
	stored, err := time.Parse(time.RFC3339Nano, h.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return nextMessage{}, fmt.Errorf("reading the answer of stream %s: %w", stream, err)
	}
	return nextMessage{stored: stored, count: rest + 1}, nil
}
