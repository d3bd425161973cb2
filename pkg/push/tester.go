package push

import (
	"context"
	"time"
)

// ActTest is [Payload.What] of a test push, see [Tester]. In a receipt of a queue it is
// an action like any other that nobody knows.
const ActTest = "test"

// Tester is a Handler that can send one real push to one device, to show whether it
// arrives. Test makes one request at most, on the way of every other, and what the
// provider says of the device has the same effects. The push brings the token, for the
// app to give back. Test ends soon after ctx does. It is false if d is none of the
// handler's devices; nothing is sent then.
type Tester interface {
	Handler
	Test(ctx context.Context, d Device, token string) (Tested, bool)
}

// Tested is what became of a test push.
type Tested struct {
	Target
	// Asked is when the provider was asked, and Answered when it answered; zero if that
	// did not happen.
	Asked, Answered time.Time
}

// Activator is a Handler that sends nothing but test pushes to some devices, until the app
// has given back the token of one: only then is it known that there is an app, and that it
// wants pushes.
type Activator interface {
	Handler
	// Activates reports whether d is one of those, whether it is activated or not. It asks
	// nobody, and answers after Stop, too.
	Activates(d Device) bool
}

// Activates implements [Activator] with Work.Activates; without one there are none.
func (a *Adapter) Activates(d Device) bool {
	p := a.pool.Load()
	return p != nil && p.work.Activates != nil && p.work.Activates(d)
}

// NewTest makes the receipt of a test push to user, which leaves the badge as it is.
func NewTest(user Uid, token string) *Receipt {
	return &Receipt{
		To:      map[Uid]Recipient{user: {Unread: -1}},
		Payload: Payload{What: ActTest, Timestamp: time.Now().UTC().Truncate(time.Millisecond)},
		test:    token,
	}
}

// TestToken is the token of a test push; empty for any other receipt.
func (r *Receipt) TestToken() string { return r.test }

// Test implements [Tester] with Work.Test; without one no device is the handler's.
func (a *Adapter) Test(ctx context.Context, d Device, token string) (t Tested, ok bool) {
	p := a.pool.Load()
	if p == nil || p.work.Test == nil || p.stopping.Load() {
		return Tested{}, false
	}
	var err error
	defer func() {
		if err != nil {
			t, ok = Tested{Target: Target{Device: d, Result: ResultRetried, Why: err.Error()}}, true
		}
	}()
	defer recovered(&err)
	return p.work.Test(ctx, d, token)
}
