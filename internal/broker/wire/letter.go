package wire

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/deadletter"
)

// ReadLetter reads the headers of a letter. Whose it is says the subject, which the broker's
// permissions guard; what names another lane in its headers was not buried by one.
func ReadLetter(subject string, h nats.Header) deadletter.Letter {
	handler := letterLane(subject)
	said := ReadPublished(h)
	l := deadletter.Letter{
		Expires: said.Expires, Waited: said.Waited, Handler: handler, Reason: h.Get(HeaderReason), Error: h.Get(HeaderError),
		Stream: h.Get(headerOriginStream), Subject: h.Get(headerOriginSubject), ID: h.Get(jetstream.MsgIDHeader),
		Narrowed:  h.Get(headerNarrowed) == isTrue,
		Truncated: h.Get(headerTruncated) == isTrue, Header: said.Header, Traced: h.Get(headerTrace),
	}
	if l.Foreign = h.Get(headerHandler) != handler || l.Reason == ""; l.Foreign && l.Error == "" {
		l.Error = "no worker wrote this letter"
	}
	// What does not parse was not written by us and stays zero.
	l.Attempts, _ = strconv.Atoi(h.Get(headerAttempt))
	l.Redriven, _ = strconv.Atoi(h.Get(headerRedriven))
	l.StreamSeq, _ = strconv.ParseUint(h.Get(headerOriginSeq), 10, 64)
	l.First, _ = time.Parse(time.RFC3339Nano, h.Get(headerFirst))
	l.Last, _ = time.Parse(time.RFC3339Nano, h.Get(headerLast))
	return l
}

// SetLetter adds the headers of a letter.
func SetLetter(h nats.Header, l deadletter.Letter) {
	h.Set(jetstream.MsgIDHeader, OneLine(l.ID, MaxErrorText))
	h.Set(headerHandler, OneLine(l.Handler, MaxErrorText))
	h.Set(HeaderReason, OneLine(l.Reason, MaxErrorText))
	h.Set(HeaderError, OneLine(l.Error, MaxErrorText))
	h.Set(headerAttempt, strconv.Itoa(l.Attempts))
	h.Set(headerFirst, FormatTime(l.First))
	h.Set(headerLast, FormatTime(l.Last))
	h.Set(headerOriginStream, OneLine(l.Stream, MaxErrorText))
	h.Set(headerOriginSeq, strconv.FormatUint(l.StreamSeq, 10))
	h.Set(headerOriginSubject, OneLine(l.Subject, MaxErrorText))
	setStory(h, Published{l.Expires, l.Waited, l.Header}, l.Redriven, l.Narrowed, l.Traced)
	if l.Truncated {
		SetTruncated(h)
	}
}
