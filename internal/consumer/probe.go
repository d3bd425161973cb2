package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// receiptless is for how long no receipt must have come before the handler is
	// asked to probe without one.
	receiptless = 3 * time.Second
	// probeTimeout bounds such a probe.
	probeTimeout = 5 * time.Second
	// unknownAfter is for how long no receipt must have come before a lane pulls again
	// whose cause cannot be looked at without one: the next receipt shows it.
	unknownAfter = time.Minute
)

// weigh tells the breaker of an outcome, and returns what the lane is to make of it.
func (l *Lane) weigh(d *delivery, err error) error {
	b := l.breaker
	switch {
	case err == nil && !b.refusals.any.Load():
	case d.reached(err):
		b.refusals.delivered()
	default:
		err = b.refusals.weigh(err)
	}
	switch {
	case d.probe != nil:
		d.probe(l.verdict(d, err))
		d.probe = nil
	case err != nil:
		b.report(err)
	}
	return err
}

// verdict is what an outcome tells the breaker whose probe d is. A receipt that
// needed nothing, such as one to users without devices, was delivered without
// asking the provider, and must not pass for its recovery; but it shows that the
// directory answers. After refusals of everything, only a delivery is a recovery.
func (l *Lane) verdict(d *delivery, err error) error {
	cause := causeOf(l.breaker.reason())
	switch {
	case isUnavailable(err):
		return err
	case cause == refusedAlike && !d.reached(err):
		return errNoVerdict
	case err != nil:
		return err
	}
	if told, ok := d.receipt.Tallied(); ok && told == (push.Targets{Skipped: told.Skipped}) && cause != directoryDown {
		return errNoVerdict
	}
	return nil
}

// reached reports whether the provider has taken something of the receipt.
func (d *delivery) reached(err error) bool {
	part, _ := errors.AsType[*push.Undelivered](err)
	if told, ok := d.receipt.Tallied(); ok {
		return told.Accepted > 0
	}
	return err == nil || part != nil
}

// withoutReceipt is what a probe learns for which no receipt has come: what the
// handler finds out by itself, if that tells anything.
func (l *Lane) withoutReceipt(ctx context.Context) error {
	quiet := l.breaker.quiet()
	if quiet < receiptless {
		return errNoVerdict
	}
	if causeOf(l.breaker.reason()) != refusedAlike && l.breaker.mayProbe() {
		if err := l.probeHandler(ctx); err == nil || isUnavailable(err) {
			return err
		}
	}
	if ctx.Err() == nil && quiet >= unknownAfter {
		return nil
	}
	return errNoVerdict
}

// probeHandler asks the handler whether its provider is available.
func (l *Lane) probeHandler(ctx context.Context) (err error) {
	h, ok := l.handler.(push.Prober)
	if !ok {
		return errNoVerdict
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: the handler panicked (%T)", errNoVerdict, v)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return h.Probe(ctx) //nolint:wrapcheck // it is the verdict
}
