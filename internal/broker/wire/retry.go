package wire

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/consumer"
)

// SetPublished notes what h, the headers of a message as it was published, say of it.
func SetPublished(o *consumer.Origin, h nats.Header) {
	said := ReadPublished(h)
	o.Expires, o.Waited, o.Header = said.Expires, said.Waited, said.Header
}

// ReadRetry reads the headers of a retry of a lane. What does not name that lane was
// not stored by one: it counts as published where it is, whatever its headers say.
func ReadRetry(o *consumer.Origin, h nats.Header, handler string) {
	SetPublished(o, h)
	if h.Get(headerHandler) != handler {
		return
	}
	root, err := strconv.ParseUint(h.Get(headerOriginSeq), 10, 64)
	if stream := h.Get(headerOriginStream); err == nil && stream != "" {
		o.RootStream, o.RootSeq = stream, root
		o.Subject = h.Get(headerOriginSubject)
	}
	if t, err := time.Parse(time.RFC3339Nano, h.Get(headerFirst)); err == nil {
		o.First = t
	}
	if n, err := strconv.Atoi(h.Get(headerAttempt)); err == nil && n > 0 {
		o.Attempts = n
	}
	if n, err := strconv.Atoi(h.Get(headerRedriven)); err == nil && n > 0 {
		o.Redriven = n
	}
	if t, err := time.Parse(time.RFC3339Nano, h.Get(headerRestarted)); err == nil {
		o.Restarted = t
	}
	o.Narrowed, o.Traced = h.Get(headerNarrowed) == isTrue, h.Get(headerTrace)
}

// SetRetry adds the headers of a retry.
func SetRetry(h nats.Header, r consumer.Retry) {
	o := r.Origin
	h.Set(headerHandler, r.Handler)
	h.Set(headerAttempt, strconv.Itoa(o.Attempts))
	h.Set(headerOriginStream, OneLine(o.RootStream, MaxErrorText))
	h.Set(headerOriginSeq, strconv.FormatUint(o.RootSeq, 10))
	h.Set(headerOriginSubject, OneLine(o.Subject, MaxErrorText))
	h.Set(HeaderError, OneLine(r.Error, MaxErrorText))
	if r.Reason != 0 {
		h.Set(HeaderReason, r.Reason.String())
	}
	h.Set(headerFirst, FormatTime(o.First))
	h.Set(headerLast, FormatTime(time.Now()))
	setStory(h, Published{o.Expires, o.Waited, o.Header}, o.Redriven, o.Narrowed, o.Traced)
	if !o.Restarted.IsZero() {
		h.Set(headerRestarted, FormatTime(o.Restarted))
	}
}
