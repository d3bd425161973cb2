package broker

import (
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

// events tells whoever waits for the broker what happened to the connection.
type events struct {
	mu      sync.Mutex
	back    chan struct{} // closed and replaced by each reconnect
	waiting map[*waiter]struct{}
	seen    map[string]struct{}
}

type waiter struct {
	subject string
	told    func(error)
}

func newEvents() *events {
	return &events{
		back: make(chan struct{}), waiting: make(map[*waiter]struct{}), seen: make(map[string]struct{}),
	}
}

// nextReconnect is closed by the next reconnect.
func (e *events) nextReconnect() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.back
}

func (e *events) reconnected() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.back)
	e.back = make(chan struct{})
}

// onDenied calls told with a [DeniedError] when the broker refuses subject; told
// must not block. The caller calls the returned function when it has stopped
// waiting.
func (e *events) onDenied(subject string, told func(error)) (forget func()) {
	w := &waiter{subject: subject, told: told}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting[w] = struct{}{}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.waiting, w)
	}
}

// denied tells those who wait for d's subject. It reports whether d is to be
// logged, because nobody waits and it is news.
func (e *events) denied(d *DeniedError) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	told := false
	for w := range e.waiting {
		if w.subject == d.Subject {
			w.told(d)
			told = true
		}
	}
	class := subjectClass(d.Subject)
	if _, known := e.seen[class]; told || known || len(e.seen) >= rememberedDenials {
		return false
	}
	e.seen[class] = struct{}{}
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
	case strings.HasPrefix(subject, subjectPrefix):
		n = min(n, 3)
	}
	return strings.Join(tokens[:n], ".")
}
