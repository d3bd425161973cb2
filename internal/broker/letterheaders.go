package broker

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/deadletter"
)

// readLetter reads the headers of a letter. Whose it is says the subject, which the broker's
// permissions guard; what names another lane in its headers was not buried by one.
func readLetter(subject string, h nats.Header) deadletter.Letter {
	handler := letterLane(subject)
	expires, own := readPublished(h)
	l := deadletter.Letter{
		Expires: expires, Handler: handler, Reason: h.Get(headerReason), Error: h.Get(headerError),
		Stream: h.Get(headerOriginStream), Subject: h.Get(headerOriginSubject), ID: h.Get(jetstream.MsgIDHeader),
		Narrowed:  h.Get(headerNarrowed) == isTrue,
		Truncated: h.Get(headerTruncated) == isTrue, Header: own,
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

// setLetter adds the headers of a letter.
func setLetter(h nats.Header, l deadletter.Letter) {
	setForwarded(h, l.Header)
	h.Set(jetstream.MsgIDHeader, OneLine(l.ID, maxErrorText))
	h.Set(headerHandler, OneLine(l.Handler, maxErrorText))
	h.Set(headerReason, OneLine(l.Reason, maxErrorText))
	h.Set(headerError, OneLine(l.Error, maxErrorText))
	h.Set(headerAttempt, strconv.Itoa(l.Attempts))
	h.Set(headerFirst, formatTime(l.First))
	h.Set(headerLast, formatTime(l.Last))
	h.Set(headerOriginStream, OneLine(l.Stream, maxErrorText))
	h.Set(headerOriginSeq, strconv.FormatUint(l.StreamSeq, 10))
	h.Set(headerOriginSubject, OneLine(l.Subject, maxErrorText))
	setStory(h, l.Expires, l.Redriven, l.Narrowed)
	if l.Truncated {
		setTruncated(h)
	}
}
