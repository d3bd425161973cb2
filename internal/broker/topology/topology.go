// Package topology is the shape of streams, durables and buckets: what is wanted, how
// that is made, compared and kept, and how far each lane is, should its durable be lost.
// It refuses to know what a message says.
package topology

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker/wire"
)

// The names of streams that follow from that of the receipts, and of durables that
// follow from that of the lane.
const (
	retrySuffix  = "_RETRY"
	deadSuffix   = "_DEAD"
	eventsSuffix = "_EVENTS"
	SuspectsName = "-suspects"
)

const (
	// freshWindow and deadWindow are for how long the broker recognises the dedup
	// id of a receipt and of a letter.
	freshWindow, deadWindow = 2 * time.Minute, time.Hour
	// maxAckPending is how many deliveries of a durable may be unsettled at a time,
	// over all processes.
	maxAckPending = 65_536
	// eventsMaxBytes and eventsMaxAge bound the stream of events.
	eventsMaxBytes, eventsMaxAge = 256 << 20, 72 * time.Hour
)

// Topology is the wanted shape of streams and durables. The names of the retry
// and dead-letter streams follow from Stream: PUSH gives PUSH_RETRY, PUSH_DEAD. So
// does that of the stream of events, which nothing depends on: PUSH_EVENTS.
type Topology struct {
	// Stream is the name of the stream of receipts, Subject where they are
	// published: Subject itself and Subject.<anything>.
	Stream, Subject string
	// Shards is how many streams share the receipts; 0 is 1. With several, they are
	// Stream, Stream_1, Stream_2 and so on, at Subject.0, Subject.1 and so on; see
	// [Topology.Each].
	Shards int
	// Replicas of each stream, 1 to 5.
	Replicas int
	// History is how long receipts are kept, DeadMaxAge how long dead letters are.
	History, DeadMaxAge time.Duration
	// AckWait is how long the broker waits for an ack or a sign of life.
	AckWait time.Duration
	// MaxBytes, RetryMaxBytes and DeadMaxBytes limit the three streams. A stream
	// that is full refuses new messages. The broker allows a stream of schedules no
	// such limit, so there it is the queue's scheduler that refuses.
	MaxBytes, RetryMaxBytes, DeadMaxBytes int64
	// Handlers are the lanes.
	Handlers []string
	// Starts says where lanes begin whose durables are made for the first time:
	// [StartNew], [StartOldest] or an RFC 3339 time. A lane that is not in it begins
	// with the next receipt published if the stream holds some already, else with the
	// oldest.
	Starts map[string]string

	// shard is the stream of receipts that a narrowed topology is about.
	shard    int
	narrowed bool
}

// validate reports every fault of t.
func (t Topology) validate() error {
	var errs []error
	name := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	if !name.MatchString(t.Stream) {
		errs = append(errs, fmt.Errorf("stream name %q: use letters, digits, - and _ only (PUSHWORKER_STREAM)", t.Stream))
	}
	errs = append(errs, t.validateSubject(), t.validateLimits())
	errs = append(errs, t.validateStarts()...)
	for _, h := range t.Handlers {
		if !name.MatchString(h) || strings.HasPrefix(h, "_") || strings.HasSuffix(h, SuspectsName) {
			errs = append(errs, fmt.Errorf(
				"handler name %q: use letters, digits, - and _ only, no _ at the start and no %q at the end (PUSHWORKER_HANDLERS)", h, SuspectsName))
		}
	}
	return errors.Join(errs...)
}

func (t Topology) validateSubject() error {
	for token := range strings.SplitSeq(t.Subject, ".") {
		if token == "" || strings.ContainsAny(token, "*> \t\r\n") {
			return fmt.Errorf("subject %q: use tokens with dots between, no wildcards and no spaces (PUSHWORKER_SUBJECT)", t.Subject)
		}
	}
	for _, taken := range []string{wire.SchedulePrefix, wire.RetryPrefix, wire.DeadPrefix, wire.EventPrefix, wire.MarksPrefix} {
		if strings.HasPrefix(t.Subject+".", taken) || strings.HasPrefix(taken, t.Subject+".") {
			return fmt.Errorf("subject %q collides with %s>: take another, for example push.receipts (PUSHWORKER_SUBJECT)", t.Subject, taken)
		}
	}
	return nil
}

func (t Topology) validateLimits() error {
	var errs []error
	if t.Replicas < 1 || t.Replicas > 5 {
		errs = append(errs, fmt.Errorf("%d replicas: use 1 to 5 (PUSHWORKER_REPLICAS)", t.Replicas))
	}
	if t.History <= 0 || t.DeadMaxAge <= 0 || t.AckWait <= 0 {
		errs = append(errs, errors.New("history, dead-letter age and ack wait must be above 0 (PUSHWORKER_HISTORY, PUSHWORKER_ACK_WAIT)"))
	}
	if t.MaxBytes <= 0 || t.RetryMaxBytes <= 0 || t.DeadMaxBytes <= 0 {
		errs = append(errs, errors.New("the limits of the streams must be above 0 bytes (PUSHWORKER_MAX_BYTES)"))
	}
	return errors.Join(errs...)
}

// RetryStream is the name of the stream that keeps retries.
func (t Topology) RetryStream() string { return t.Stream + retrySuffix }

// DeadStream is the name of the stream that keeps the dead letters.
func (t Topology) DeadStream() string { return t.Stream + deadSuffix }

// EventsStream is the name of the stream of events, see [Topology.Events].
func (t Topology) EventsStream() string { return t.Stream + eventsSuffix }

// Streams returns the wanted streams of receipts, retries and dead letters.
func (t Topology) Streams() (all []Wanted) {
	var configs []jetstream.StreamConfig
	for _, shard := range t.Each() {
		fresh := shard.stream(shard.Receipts(), t.MaxBytes, freshWindow, shard.subjects()...)
		fresh.Description = "receipts as they were published, and their history"
		fresh.MaxAge = t.History
		fresh.Duplicates = min(freshWindow, t.History)
		shard.sharded(&fresh)
		configs = append(configs, fresh)
	}

	retries := t.stream(t.RetryStream(), -1, max(freshWindow, 2*t.AckWait), wire.SchedulePrefix+">", wire.RetryPrefix+">")
	retries.Description = "receipts that wait to be tried again"
	retries.Retention = jetstream.WorkQueuePolicy
	// With schedules the broker insists on discarding old messages at a limit, which
	// would lose retries unseen: hence no limit, and Scheduler keeps RetryMaxBytes.
	retries.Discard = jetstream.DiscardOld
	retries.AllowMsgSchedules = true
	retries.AllowRollup = true // the server sets it with schedules

	dead := t.stream(t.DeadStream(), t.DeadMaxBytes, deadWindow, wire.DeadPrefix+">")
	dead.Description = "dead letters: receipts that could not be delivered, and why"
	dead.MaxAge = t.DeadMaxAge
	dead.Duplicates = min(deadWindow, t.DeadMaxAge)

	for _, config := range append(configs, retries, dead) {
		all = append(all, Wanted{
			Object: "stream " + config.Name, Config: config, Bounded: true,
			Otherwise: "set PUSHWORKER_STREAM to another name, or, if nothing in the stream is needed, remove it with `nats stream rm " + config.Name + "` and start again",
		})
	}
	return all
}

// Events is the wanted stream of events, which are no promise: a full one lets go of
// the oldest. Its limits are the operator's.
func (t Topology) Events() Wanted {
	c := t.stream(t.EventsStream(), eventsMaxBytes, freshWindow, wire.EventPrefix+">")
	c.Description = "outcomes of receipts, and devices that were removed"
	c.Discard, c.MaxAge = jetstream.DiscardOld, eventsMaxAge
	return Wanted{
		Object: "stream " + c.Name, Config: c, ReliesOn: []string{"retention", "sealed", "subjects", "discard", "replicas", "allow_direct"},
		Otherwise: "remove it with `nats stream rm " + c.Name + "`, which forgets what was recorded, and start again",
	}
}

// stream is what the streams share: they refuse when full, because a stream that
// evicts loses receipts unseen.
func (t Topology) stream(name string, maxBytes int64, window time.Duration, subjects ...string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: name, Subjects: subjects, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: maxBytes, MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1,
		MaxMsgSize: -1, Replicas: t.Replicas, Duplicates: window, AllowDirect: true,
	}
}
