package tracing

import (
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/pushworker/pushworker/pkg/push"
)

// Settlement is how a receipt has left its lane.
type Settlement struct {
	// Verdict is ack, redeliver, bury or expire, and Reason that of a burial, by their codes.
	Verdict, Reason string
	// Nak says that the broker was told to redeliver it, and not that it is settled.
	Nak bool
	// Delay is that of a redelivery.
	Delay time.Duration
	// Targets adds up what became of its targets.
	Targets push.Targets
	// Why says why it comes back or is buried; nil else.
	Why error
}

// Settle says how the receipt has left, and ends the span.
func (a *Attempt) Settle(s Settlement) {
	if a == nil {
		return
	}
	all := []attribute.KeyValue{keyVerdict.String(s.Verdict)}
	if s.Reason != "" {
		all = append(all, keyReason.String(s.Reason))
	}
	if s.Delay > 0 {
		all = append(all, keyDelay.Float64(s.Delay.Seconds()))
	}
	a.span.SetAttributes(append(all, a.counts(s.Targets)...)...)
	if !errors.Is(s.Why, push.ErrNotStarted) {
		fail(a.span, s.Why)
	}
	event := eventAck
	if s.Nak {
		event = eventNak
	}
	a.span.AddEvent(event, trace.WithTimestamp(time.Now()))
	a.span.End()
}

// counts are the attributes of counts that are not 0.
func (a *Attempt) counts(t push.Targets) (all []attribute.KeyValue) {
	for _, of := range []struct {
		key attribute.Key
		n   int
	}{
		{keyRequests, int(a.requests.Load())},
		{keyAccepted, t.Accepted},
		{keySkipped, t.Skipped},
		{keyGone, t.Gone},
		{keyRejected, t.Rejected},
		{keyRetried, t.Retried},
	} {
		if of.n > 0 {
			all = append(all, of.key.Int(of.n))
		}
	}
	return all
}

// classOf is the class of a failure: one of few words, as error.type wants it.
func classOf(err error) string {
	_, panicked := errors.AsType[*push.PanicError](err)
	_, permanent := errors.AsType[*push.PermanentError](err)
	unavailable, down := errors.AsType[*push.UnavailableError](err)
	switch {
	case panicked:
		return "panic"
	case down && unavailable.Directory:
		return "directory"
	case down:
		return "unavailable"
	case permanent:
		return "permanent"
	case errors.Is(err, push.ErrNotStarted):
		return "not_started"
	}
	return "transient"
}
