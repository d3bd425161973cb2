package consumer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// unstorable deals with a retry that the broker will never take. What has an attempt
// or progress to remember is buried. The rest comes back as it is; a suspect runs
// among the others.
func (d *delivery) unstorable(decision retry.Decision, why, refusal error) {
	switch {
	case decision.Counted || narrows(why):
		d.buryRest(retry.Oversize, unstorableRest(why, refusal))
	case errors.Is(why, errSuspect):
		d.origin.Alone = false
		d.leaving.Store(false)
		d.due = time.Now() // it may have waited until the broker said so
		d.in.try(d)
	default:
		d.nak(decision.Delay, why)
	}
}

// unstorableRest says of the rest of a receipt that it cannot be stored for another try.
func unstorableRest(why, refusal error) error {
	text := func(err error) error {
		return fmt.Errorf("%w; it cannot be stored to be tried again: %w", err, refusal)
	}
	if part, ok := errors.AsType[*push.Undelivered](why); ok {
		return &push.Undelivered{To: part.To, Channel: part.Channel, Err: text(part.Err)}
	}
	return text(why)
}

// park stores the receipt as one that was not tried, for a lane that stops before it
// could write a letter. What has no progress is handed back instead.
func (d *delivery) park(why error) {
	decision := retry.HandBack(rand.Float64()) //nolint:gosec // jitter needs no secrecy
	if !d.tried && !d.origin.Alone && !d.looksLikeACrash() {
		d.nak(decision.Delay, why)
		return
	}
	if rejected(why) != nil {
		why = errors.New(why.Error()) // the refused targets shall be tried again, too: nothing is narrowed
	}
	r, remain := d.retry(decision, why)
	if err := d.storeRetry(r); err != nil {
		d.nak(r.Delay, err)
		return
	}
	d.rescheduled(r, remain, why)
}
