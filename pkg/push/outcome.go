package push

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrExpired says that the receipt is too old to be worth sending. It is
	// settled as expired and is not a failure.
	ErrExpired = errors.New("receipt has expired")
	// ErrNotStarted says that nothing was sent and nothing failed: the handler
	// gives the receipt back, for example because it is stopping. The receipt
	// comes back soon and no attempt is counted.
	ErrNotStarted = errors.New("receipt was not started")
	// ErrStopping is the cause with which a stopping handler cancels its work.
	ErrStopping = errors.New("handler is stopping")
	// ErrInterrupted comes with [ErrNotStarted] from a handler that stopped while the
	// receipt was being sent: it does not count as an attempt, but some of it may have
	// gone out.
	ErrInterrupted = errors.New("the handler stopped meanwhile")
)

// PermanentError is made by [Permanent].
type PermanentError struct {
	Err error
	// Reason is the same text for all receipts that are refused for the same reason,
	// and names none of them; without one, the text of Err is taken for it. When many
	// receipts in a row are refused for one reason and none is delivered, the fault is
	// taken for one of the configuration: the lane stops and keeps what follows.
	Reason string
}

func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// Permanent says that trying again cannot help: the receipt goes to the dead
// letters. It returns nil if err is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{Err: err}
}

// RetryAfterError is made by [RetryAfter].
type RetryAfterError struct {
	Err error
	// After is the provider's own delay; it wins over the retry policy's.
	After time.Duration
}

func (e *RetryAfterError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RetryAfterError) Unwrap() error { return e.Err }

// RetryAfter says that the failure is transient and that the provider asked not
// to be called again before d has passed. Use it for a limit on this receipt;
// for a provider that is down as a whole there is [Unavailable]. It returns nil
// if err is nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &RetryAfterError{Err: err, After: d}
}

// UnavailableError is made by [Unavailable] and [DirectoryUnavailable].
type UnavailableError struct {
	Err error
	// Directory says that the device directory could not be asked: the provider was
	// not, and its breaker stays closed.
	Directory bool
}

func (e *UnavailableError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Unavailable says that the provider as a whole cannot be used now: it is down,
// or refuses our credentials. The lane stops pulling and probes until it is back;
// the receipt comes back and no attempt is counted. For a fault of this receipt
// alone return any other error. It returns nil if err is nil.
func Unavailable(err error) error {
	if err == nil {
		return nil
	}
	return &UnavailableError{Err: err}
}

// DirectoryUnavailable is [Unavailable] for the device directory, which has to be
// asked before the provider can be. It returns nil if err is nil.
func DirectoryUnavailable(err error) error {
	if err == nil {
		return nil
	}
	return &UnavailableError{Err: err, Directory: true}
}

// Undelivered says that part of a receipt went out and what remains: only the
// remainder is tried again. Err says why, and its type gives the instruction for
// the remainder (a [Permanent] or [RetryAfter] error, or any other).
type Undelivered struct { //nolint:errname // it is as much a result as an error
	// To holds the recipients that remain; the ids of their devices that did get
	// the packet are appended to Devices.
	To map[Uid]Recipient
	// Channel is the receipt's channel if that remains to be told, else empty.
	Channel string
	// Err is the cause; it is not nil.
	Err error
	// Rejected says that targets were refused for good while others remain; they are
	// among neither. A dead letter is written for them. If it is an *Undelivered
	// itself, its To and Channel are those targets, and the letter is for them alone:
	// their Devices list every device of theirs that the letter is not about.
	// Usually nil.
	Rejected error
}

func (e *Undelivered) Error() string {
	rest := fmt.Sprintf("%d recipients remain", len(e.To))
	switch {
	case len(e.To) == 1:
		rest = "1 recipient remains"
	case len(e.To) == 0 && e.Channel != "":
		rest = "the channel remains"
	}
	return fmt.Sprintf("%s: %v", rest, e.Err)
}

// Unwrap returns the cause.
func (e *Undelivered) Unwrap() error { return e.Err }

// PanicError is a panic of a handler, turned into a transient error.
type PanicError struct {
	// Value is what the handler panicked with. It may hold message content, so it
	// is not part of Error.
	Value any
	// Stack is the goroutine's stack as debug.Stack gives it.
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked (%T)", e.Value) }
