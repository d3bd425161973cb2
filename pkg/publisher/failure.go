package publisher

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a failed publish wraps. After [ErrUnavailable], [ErrNoStream] and
// [ErrClosed] the receipt may be stored all the same, because an acknowledgement
// can be lost; publish it again with the same dedup id. After the others it is
// not stored and trying again changes nothing until somebody has acted.
var (
	// ErrUnavailable says that the broker did not acknowledge in time.
	ErrUnavailable = errors.New("broker does not acknowledge: check that it is up, then publish the receipt again; " +
		"its dedup id keeps it from being stored twice")
	// ErrNoStream says that no stream took the subject until the end.
	ErrNoStream = errors.New("no stream takes this subject: start pushworker, which creates the stream, or correct the subject")
	// ErrClosed says that the publisher or its connection is closed.
	ErrClosed = errors.New("publisher or its connection is closed: make a new one")
	// ErrFull says that the stream is at its limits and keeps what it has.
	ErrFull = errors.New("stream is full of receipts that wait: start more workers, or raise its limits (PUSHWORKER_MAX_BYTES)")
	// ErrTooLarge says that the broker, the stream or the workers take no receipt that
	// large. Split it by recipients, with a dedup id for each part.
	ErrTooLarge = errors.New("receipt is too large: split it by recipients or shorten its content, " +
		"or raise max_payload of the broker, max_msg_size of the stream and the limits of workers and publisher")
	// ErrDenied says that the credentials do not allow to publish.
	ErrDenied = errors.New("permission denied: allow this user to publish to the subject and to subscribe to its inbox")
	// ErrRefused says that the receipt or the message cannot be published as it is.
	ErrRefused = errors.New("receipt cannot be published")
)

var (
	errSilence = errors.New("no answer from the broker")
	errNoAck   = errors.New("answer is not an acknowledgement: something other than a stream listens on the subject")
)

// Error codes of the broker's answers; see errors.json of nats-server.
const (
	storeFailed     jetstream.ErrorCode = 10077 // the description says which way
	tooLarge        jetstream.ErrorCode = 10054
	headersTooLarge jetstream.ErrorCode = 10097
)

// classify gives the error of this package for the cause of a failed try, and
// whether another try may help.
func classify(cause error) (kind error, transient bool) {
	if answer := new(jetstream.APIError); errors.As(cause, &answer) {
		return classifyAnswer(answer)
	}
	switch {
	case errors.Is(cause, nats.ErrNoResponders):
		return ErrNoStream, true
	case errors.Is(cause, nats.ErrPermissionViolation):
		return ErrDenied, false
	case errors.Is(cause, nats.ErrMaxPayload):
		return ErrTooLarge, false
	case errors.Is(cause, nats.ErrConnectionClosed), errors.Is(cause, nats.ErrConnectionDraining):
		return ErrClosed, false
	case errors.Is(cause, nats.ErrBadSubject), errors.Is(cause, nats.ErrHeadersNotSupported),
		errors.Is(cause, nats.ErrBadHeaderMsg), errors.Is(cause, nats.ErrInvalidMsg):
		return ErrRefused, false
	}
	return ErrUnavailable, true
}

// classifyAnswer is classify for a refusal by the stream. A refusal with a code of
// 500 and above is the broker's own trouble; so are 409, the same id being stored
// at this moment, and 429, too many at once.
func classifyAnswer(answer *jetstream.APIError) (kind error, transient bool) {
	switch {
	case answer.ErrorCode == tooLarge, answer.ErrorCode == headersTooLarge,
		answer.ErrorCode == storeFailed && answer.Description == "message too large":
		return ErrTooLarge, false
	case answer.ErrorCode == storeFailed && strings.HasPrefix(answer.Description, "maximum "):
		return ErrFull, false
	case answer.Code >= 500, answer.Code == 409, answer.Code == 429:
		return ErrUnavailable, true
	}
	return ErrRefused, false
}

// failure is the error with which f ends. cause is why it is given up; nil stands
// for the cause of its last try. The caller has removed f from the flights.
func (f *flight) failure(cause error) error {
	size := len(f.msg.Data)
	spent := time.Since(f.start).Round(time.Millisecond)
	if cause == nil {
		kind, _ := classify(f.cause)
		return fmt.Errorf("publish %d bytes to %q (try %d, %s): %w: %w", size, f.msg.Subject, f.tries, spent, kind, f.cause)
	}
	kind, _ := classify(cause)
	if f.cause == nil {
		return fmt.Errorf("publish %d bytes to %q (try %d, %s): %w: %w", size, f.msg.Subject, f.tries, spent, kind, cause)
	}
	if last, _ := classify(f.cause); last == ErrNoStream { //nolint:errorlint // a classification, never wrapped
		kind = last
	}
	return fmt.Errorf("publish %d bytes to %q (try %d, %s): %w: %w after: %w", size, f.msg.Subject, f.tries, spent, kind, cause, f.cause)
}

// disconnected is the cause of a try without a connection: with the reason why
// there is none, as far as the client knows it, which may be refused credentials.
func (p *Publisher) disconnected() error {
	if err := p.nc.LastError(); err != nil {
		return fmt.Errorf("%w: %v", nats.ErrDisconnected, err) //nolint:errorlint // it must not decide what becomes of the receipt
	}
	return nats.ErrDisconnected
}

// silence is the cause of a try that got no answer. A broker that denies a publish
// does not answer it; it tells the connection.
func (p *Publisher) silence(subject string) error {
	err := p.nc.LastError()
	if errors.Is(err, nats.ErrPermissionViolation) &&
		(strings.Contains(err.Error(), strconv.Quote(subject)) || strings.Contains(err.Error(), p.inbox)) {
		return err
	}
	return errSilence
}

// parseReply reads the answer to a try.
func parseReply(m *nats.Msg) (Ack, error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return Ack{}, nats.ErrNoResponders
	}
	var answer struct {
		Ack
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return Ack{}, errNoAck
	}
	if answer.Error != nil {
		return Ack{}, answer.Error
	}
	if answer.Stream == "" || answer.Seq == 0 {
		return Ack{}, errNoAck
	}
	return answer.Ack, nil
}
