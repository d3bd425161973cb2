package retry

import (
	"errors"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Policy is a lane's retry policy. An attempt's delay is drawn evenly from 0 to
// min(Cap, Base·2^(n-1)) after the n-th attempt ("full jitter"); a provider's own
// Retry-After wins and is lengthened by up to a tenth, so that those who were
// told the same moment do not all come at once. The receipt is buried when the
// next attempt would exceed MaxAttempts or come later than MaxAge after it was
// published. The defaults are 1 s, 10 min, 6 h and 50, the ladder that Amazon SNS
// documents for mobile push.
type Policy struct {
	// Base is the upper bound of the first delay and Cap that of every delay.
	Base, Cap time.Duration
	// MaxAge bounds the time from publish to the last attempt.
	MaxAge time.Duration
	// MaxAttempts bounds how often a handler really tries.
	MaxAttempts int
}

// Verdict is what to do with a receipt.
type Verdict uint8

const (
	// Ack settles it: it was delivered.
	Ack Verdict = iota + 1
	// Expire settles it: it is too old to be worth sending.
	Expire
	// Redeliver brings it back after Decision.Delay.
	Redeliver
	// Bury makes it a dead letter with Decision.Reason.
	Bury
)

// String returns the verdict's metric label.
func (v Verdict) String() string {
	switch v {
	case Ack:
		return "ack"
	case Expire:
		return "expire"
	case Redeliver:
		return "redeliver"
	case Bury:
		return "bury"
	}
	return "unknown"
}

// Outcome is what became of a receipt at a handler.
type Outcome struct {
	// Err is what the handler reported.
	Err error
	// Attempts counts the handler's real attempts, this one included.
	Attempts int
	// Age is the time since the receipt was published.
	Age time.Duration
	// Left is the time until the receipt expires; zero means that it never does.
	Left time.Duration
	// Jitter is drawn evenly from [0, 1).
	Jitter float64
}

// Decision says what to do with a receipt.
type Decision struct {
	Verdict Verdict
	// Delay is how long to wait before a redelivery.
	Delay time.Duration
	// Reason is why the receipt is buried.
	Reason Reason
	// Counted says that the redelivery uses up an attempt.
	Counted bool
}

const (
	// handBackFloor and handBackSpread bound the delay of what comes back without
	// a failure: 100 ms to 1 s. The floor prevents a hot loop.
	handBackFloor  = 100 * time.Millisecond
	handBackSpread = 900 * time.Millisecond
	// outageFloor lengthens that while the provider is down: 1 s to 1.9 s.
	outageFloor = time.Second
)

// HandBack is the decision on a receipt that was not tried at all, for example
// because the handler's channel would block.
func HandBack(jitter float64) Decision {
	return Decision{Verdict: Redeliver, Delay: handBackFloor + spread(handBackSpread, jitter)}
}

// Decide says what follows from o. It never acknowledges an error and never
// delays beyond Cap unless the provider said so.
func (p Policy) Decide(o Outcome) Decision {
	switch {
	case o.Err == nil:
		return Decision{Verdict: Ack}
	case errors.Is(o.Err, push.ErrExpired):
		return Decision{Verdict: Expire}
	case errors.Is(o.Err, push.ErrNotStarted):
		return p.uncounted(o, HandBack(o.Jitter).Delay)
	}
	if _, ok := errors.AsType[*push.UnavailableError](o.Err); ok {
		return p.uncounted(o, outageFloor+spread(handBackSpread, o.Jitter))
	}
	if _, ok := errors.AsType[*push.PermanentError](o.Err); ok {
		return Decision{Verdict: Bury, Reason: Rejected}
	}
	return p.again(o)
}

// uncounted brings the receipt back without using up an attempt, after delay or
// when the provider has said, unless it is too old by then.
func (p Policy) uncounted(o Outcome, delay time.Duration) Decision {
	if _, told := errors.AsType[*push.RetryAfterError](o.Err); told {
		delay = max(delay, p.delay(o))
		if o.Left > 0 && delay >= o.Left {
			return Decision{Verdict: Expire}
		}
	}
	return Decision{Verdict: Redeliver, Delay: delay}
}

// again weighs another attempt against the budgets.
func (p Policy) again(o Outcome) Decision {
	delay := p.delay(o)
	switch {
	case o.Left > 0 && delay >= o.Left:
		return Decision{Verdict: Expire}
	case o.Attempts >= p.MaxAttempts:
		return Decision{Verdict: Bury, Reason: exhausted(o.Err, Attempts)}
	case o.Age+delay > p.MaxAge:
		return Decision{Verdict: Bury, Reason: exhausted(o.Err, Age)}
	}
	return Decision{Verdict: Redeliver, Delay: delay, Counted: true}
}

func (p Policy) delay(o Outcome) time.Duration {
	if after, ok := errors.AsType[*push.RetryAfterError](o.Err); ok && after.After > 0 {
		return after.After + spread(after.After/10, o.Jitter)
	}
	return spread(p.ceiling(o.Attempts), o.Jitter)
}

// ceiling is min(Cap, Base·2^(attempts-1)), without overflow.
func (p Policy) ceiling(attempts int) time.Duration {
	ceiling := p.Base
	for range attempts - 1 {
		if ceiling >= p.Cap/2 {
			return p.Cap
		}
		ceiling *= 2
	}
	return min(ceiling, p.Cap)
}

func exhausted(err error, budget Reason) Reason {
	if _, ok := errors.AsType[*push.PanicError](err); ok {
		return Panic
	}
	return budget
}

func spread(d time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(d) * jitter)
}
