package devices

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// Codes of refused requests; docs/devices.md lists them.
const (
	codeMalformed   = "malformed"
	codeInvalid     = "invalid"
	codeTooLarge    = "too_large"
	codeBusy        = "busy"
	codeDamaged     = "damaged"
	codeUnavailable = "unavailable"
)

// queue is the group that shares the requests of workers among the processes of a
// chat server.
const queue = "push-directory"

// pendingRequests is how many requests wait in the client while all are busy. What
// is beyond is not answered, and the worker asks again.
const pendingRequests = 4096

// AnswerConfig says how [Answer] works. Its zero value is ready to use.
type AnswerConfig struct {
	// Concurrency is how many requests are worked on at a time, 32 by default: about as
	// many connections as the database may be asked over.
	Concurrency int
	// Timeout ends the context of a request, after 4 s by default. Workers wait 5 s.
	Timeout time.Duration
	// Report is told why a request was not answered with devices: errors and panics
	// of the directory, and requests that are wrong. It is called by several goroutines at
	// a time and may be nil. The errors are the directory's own, and may quote
	// what it puts into them.
	Report func(error)
}

// Answer answers what workers that run with PUSHWORKER_DIRECTORY=nats ask about
// devices, from directory, until ctx ends. Then it takes no more requests, answers
// those that it has, and returns nil. Each process of a chat server calls it once:
// they share the requests. An error says that nc is closed or cannot subscribe.
//
// Only what directory knows counts: a user without an entry has no device. An error
// or a panic of directory is answered as an error, and the worker waits and asks
// again. Devices must be those of [push.Device]'s JSON: at least an id, a provider
// and a token.
func Answer(ctx context.Context, nc *nats.Conn, directory push.Directory, cfg AnswerConfig) error {
	a := &answerer{
		nc: nc, directory: directory, report: cfg.Report,
		timeout: cmp.Or(cfg.Timeout, 4*time.Second),
		slots:   make(chan struct{}, cmp.Or(cfg.Concurrency, 32)), // a semaphore
	}
	if a.report == nil {
		a.report = func(error) {}
	}
	work := context.WithoutCancel(ctx) // what is taken is answered
	for subject, do := range map[string]request{"push.directory.get": a.get, "push.directory.gone": a.gone} {
		sub, err := nc.QueueSubscribe(subject, queue, a.handler(work, do))
		if err == nil {
			err = sub.SetPendingLimits(pendingRequests, -1)
		}
		if err != nil {
			a.stop(work)
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		a.subs = append(a.subs, sub)
	}
	closed := nc.StatusChanged(nats.CLOSED)
	defer nc.RemoveStatusListener(closed)
	select {
	case <-ctx.Done():
		a.stop(work)
		return nil
	case <-closed:
		a.working.Wait()
		return fmt.Errorf("answer for devices: %w", nats.ErrConnectionClosed)
	}
}

// request is what one subject does. The answer is JSON; an [*Error] is refused with
// its code, any other is told to report and refused as unavailable.
type request func(ctx context.Context, data []byte) (answer []byte, err error)

// answerer is one call of [Answer].
type answerer struct {
	nc        *nats.Conn
	directory push.Directory
	report    func(error)
	timeout   time.Duration
	slots     chan struct{}
	subs      []*nats.Subscription
	working   sync.WaitGroup
}

// handler works on requests beside each other. While all slots are taken, what
// comes waits in the client.
func (a *answerer) handler(ctx context.Context, do request) nats.MsgHandler {
	return func(m *nats.Msg) {
		if !isInbox(m.Reply) {
			a.report(fmt.Errorf("%s: refused: the answer is wanted on %q, which is not an inbox", m.Subject, m.Reply))
			return
		}
		a.slots <- struct{}{}
		a.working.Go(func() {
			defer func() { <-a.slots }()
			ctx, cancel := context.WithTimeout(ctx, a.timeout)
			defer cancel()
			answer, err := a.attempt(ctx, m.Data, do)
			if err == nil && int64(len(answer)) > a.nc.MaxPayload() {
				err = &Error{codeTooLarge, fmt.Sprintf("the answer has %d bytes, the broker takes %d: ask for fewer users", len(answer), a.nc.MaxPayload())}
			}
			a.respond(m, answer, err)
		})
	}
}

// attempt is do with a panic as its error.
func (a *answerer) attempt(ctx context.Context, data []byte, do request) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the directory: %v\n%s", p, debug.Stack())
		}
	}()
	return do(ctx, data)
}

// respond sends answer, or err as a refusal.
func (a *answerer) respond(m *nats.Msg, answer []byte, err error) {
	response := nats.NewMsg(m.Reply)
	response.Data = answer
	if err != nil {
		refused := refusalOf(err)
		if refused.Code != codeTooLarge { // the worker asks for fewer, as it should
			a.report(fmt.Errorf("%s: %w", m.Subject, err))
		}
		response.Header.Set("Nats-Service-Error-Code", refused.Code)
		response.Header.Set("Nats-Service-Error", refused.Message)
		response.Data, _ = json.Marshal(map[string]*Error{"error": refused}) // two strings
	}
	if err := a.nc.PublishMsg(response); err != nil {
		a.report(fmt.Errorf("%s: send the answer: %w", m.Subject, err))
	}
}

// refusalOf is what workers get to see of err.
func refusalOf(err error) *Error {
	var refused *Error
	var damaged *push.UnreadableError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &damaged):
		return &Error{codeDamaged, fmt.Sprintf("devices of %d users cannot be read: see the chat server's log", len(damaged.Users))}
	}
	return &Error{codeUnavailable, "the chat server's directory cannot answer now: see the chat server's log"}
}

// stop takes no more requests, and waits until those that the client has are answered
// and the answers have left. Without a connection nobody waits for them.
func (a *answerer) stop(ctx context.Context) {
	late, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	for _, sub := range a.subs {
		ended := sub.StatusChanged(nats.SubscriptionClosed)
		if !a.nc.IsConnected() || sub.Drain() != nil {
			_ = sub.Unsubscribe() // fails only if it has ended
			continue
		}
		select {
		case <-ended:
		case <-late.Done():
		}
	}
	a.working.Wait()
	if a.nc.IsConnected() {
		_ = a.nc.FlushWithContext(late) // what has not left has nobody who waits
	}
}
