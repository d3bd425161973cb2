package channels

import (
	"context"
	"errors"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// unsubscribing is how long an erasure waits for the user's devices to be unsubscribed,
	// and lookEvery how often it looks.
	unsubscribing, lookEvery = 10 * time.Second, 200 * time.Millisecond
)

// Subscribed counts the handlers whose providers may have subscriptions of a user's devices.
func (d *Directory) Subscribed(ctx context.Context, user push.Uid) (int, error) {
	q := broker.Query{Last: []string{d.bucket.Subject(channel.Applied(user))}, Most: broker.MaxLast, MaxBytes: broker.MaxAnswer}
	answers, err := d.bucket.Ask(ctx, q)
	n := 0
	for _, a := range answers {
		if a.Value != nil {
			n++
		}
	}
	return n, err //nolint:wrapcheck // it says all
}

// Erase has a user leave all channels, and waits for a moment until the devices, which the
// directory has no more, are unsubscribed by who keeps the subscriptions. It returns in how
// many channels the user was, and how many handlers have not unsubscribed the devices yet.
func (d *Directory) Erase(ctx context.Context, user push.Uid) (were, left int, err error) {
	if were, err = d.Forget(ctx, user); err != nil {
		return were, 0, err //nolint:wrapcheck // it says all
	}
	leases, err := Leases(ctx, d.bucket.Conn)
	if err != nil {
		return were, 0, err
	}
	for end := time.Now().Add(unsubscribing); ; {
		left, err = d.Subscribed(ctx, user)
		if left == 0 || err != nil || len(leases) == 0 || !time.Now().Before(end) {
			return were, left, err
		}
		if err := sleep.For(ctx, lookEvery); err != nil {
			return were, left, err //nolint:wrapcheck // it is ctx's
		}
	}
}

// ForgetHandler removes what a handler has recorded of its provider, which keeps the
// subscriptions.
func ForgetHandler(ctx context.Context, c *broker.Conn, handler string) error {
	b := bucketOf(c)
	for e, err := range b.Scan(ctx, channel.AppliedBy(handler)) {
		if errors.Is(err, ErrNoBucket) {
			return nil
		}
		if err == nil {
			_, err = b.Write(ctx, e.Key, nil, e.Revision)
		}
		if err != nil {
			return err //nolint:wrapcheck // it says all
		}
	}
	return nil
}
