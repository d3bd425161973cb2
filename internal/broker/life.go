package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// rememberedDenials bounds the memory of refused subjects.
const rememberedDenials = 1024

// DeniedError says that the broker forbids this process a subject. The broker
// does not answer such a request; it says so beside it.
type DeniedError struct {
	// Subject is what was refused, Publish whether it was a publish and not a
	// subscription.
	Subject string
	Publish bool
}

func (e *DeniedError) Error() string {
	verb := "subscribe to"
	if e.Publish {
		verb = "publish to"
	}
	return fmt.Sprintf("the broker does not permit this user to %s %q: add the permission to the user", verb, e.Subject)
}

// parseDenied recognises the broker's asynchronous refusal, whose text is
// Permissions Violation for Publish to "subject".
func parseDenied(err error) (*DeniedError, bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return nil, false
	}
	before, rest, _ := strings.Cut(err.Error(), ` to "`)
	subject, _, ok := strings.Cut(rest, `"`)
	return &DeniedError{Subject: subject, Publish: strings.HasSuffix(before, "Publish")}, ok
}

// life tells whoever waits for the broker what happened to the connection.
type life struct {
	mu      sync.Mutex
	back    chan struct{} // closed and replaced by each reconnect
	waiting map[*waiter]struct{}
	seen    map[string]struct{}
}

type waiter struct {
	subject string
	told    func(error)
}

func newLife() *life {
	return &life{
		back: make(chan struct{}), waiting: make(map[*waiter]struct{}), seen: make(map[string]struct{}),
	}
}

// NextReconnect is closed by the next reconnect.
func (c *Conn) NextReconnect() <-chan struct{} {
	c.life.mu.Lock()
	defer c.life.mu.Unlock()
	return c.life.back
}

// ErrReconnected is the cause with which a context of [Conn.UntilReconnect] ends.
var ErrReconnected = errors.New("the connection to the broker was replaced")

// UntilReconnect returns a context that ends with [ErrReconnected] when the connection is
// replaced, for those to whom the broker may have sent something on the old one.
func (c *Conn) UntilReconnect(ctx context.Context) (context.Context, func()) {
	back := c.NextReconnect()
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-back:
			cancel(ErrReconnected)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

func (l *life) reconnected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.back)
	l.back = make(chan struct{})
}

// OnDenied calls told with a [DeniedError] when the broker refuses subject; told
// must not block. The caller calls the returned function when it has stopped
// waiting.
func (c *Conn) OnDenied(subject string, told func(error)) (forget func()) {
	w, l := &waiter{subject: subject, told: told}, c.life
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[w] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, w)
	}
}

// denied tells those who wait for d's subject. It reports whether d is to be
// logged, because nobody waits and it is news.
func (l *life) denied(d *DeniedError) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := false
	for w := range l.waiting {
		if w.subject == d.Subject {
			w.told(d)
			told = true
		}
	}
	class := subjectClass(d.Subject)
	if _, known := l.seen[class]; told || known || len(l.seen) >= rememberedDenials {
		return false
	}
	l.seen[class] = struct{}{}
	return true
}

// subjectClass cuts off the tokens that make each message's subject unique, so
// that a refusal is logged once and not once per message.
func subjectClass(subject string) string {
	tokens := strings.SplitN(subject, ".", 5)
	n := len(tokens)
	switch {
	case strings.HasPrefix(subject, "$JS.ACK."):
		n = min(n, 4)
	case strings.HasPrefix(subject, "push."):
		n = min(n, 3)
	}
	return strings.Join(tokens[:n], ".")
}
