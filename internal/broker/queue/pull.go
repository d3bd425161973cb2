package queue

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/sleep"
)

const (
	// pullExpiry is how long the broker keeps one pull request, heartbeat how often
	// it shows that it does. After two silent heartbeats the request is lost.
	pullExpiry, heartbeat = 30 * time.Second, 5 * time.Second
	// drainWait bounds how long Pull waits for what the broker had already sent.
	drainWait = 5 * time.Second
	// restAfterTrouble spaces the requests while a durable has no leader.
	restAfterTrouble = 250 * time.Millisecond
)

// Pull implements [consumer.Source].
//
// It sends its own pull requests, on a subscription of its own, and does not use
// Consume of the client library with StopAfter, because that one delivers more
// than was asked for, and strands the rest until AckWait: on each reconnect and
// missed heartbeat it asks for everything that its callback has not seen yet,
// without counting what waits in its own buffer, and what arrives after the n-th
// message is thrown away. Here a doubtful request is first retired together with
// its subscription: everything that the broker sent for it is delivered and
// counted, and only then a new request asks for the rest.
func (s *Source) Pull(ctx context.Context, n, bytes int, take func(consumer.Message)) (delivered int, err error) {
	for delivered < n && ctx.Err() == nil {
		r := newRequest(s, n-delivered, bytes, take)
		err := r.run(ctx)
		delivered += r.taken
		bytes = r.bytes
		switch {
		case r.cut && delivered == 0:
			return 0, consumer.ErrNoRoom
		case r.cut:
			return delivered, nil
		}
		if err = s.goOn(ctx, err); err != nil {
			return delivered, err
		}
	}
	return delivered, nil
}

// goOn decides after a request has ended with err whether Pull goes on, which it
// does when goOn returns nil.
func (s *Source) goOn(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, errStopped) {
		return nil
	}
	status, ended := errors.AsType[*statusError](err)
	if !ended && !errors.Is(err, errReconnect) && !errors.Is(err, errSilence) {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	if !ended {
		return nil
	}
	switch status.text {
	case "", "Consumer Deleted", "Leadership Change", "Server Shutdown": // "" is: nobody answers
		_ = sleep.For(ctx, restAfterTrouble) // whoever pulls looks at ctx
		return nil
	}
	return fmt.Errorf("pulling from %s: %w", s.durable, err)
}

// request is one subscription with its pull requests. The callback of the
// subscription alone writes taken, until the subscription is closed.
type request struct {
	source *Source
	want   int
	take   func(consumer.Message)
	taken  int
	bytes  int  // left of what they may measure; 0 is no limit
	cut    bool // the next message is larger

	sub    *nats.Subscription
	heard  atomic.Bool   // something arrived since the watchdog looked
	full   chan struct{} // closed after the last message
	ended  chan error    // why the broker ended the request; room for the first
	closed chan struct{} // closed when the callback will not run again
}

// statusError is the broker's own end of a pull request.
type statusError struct{ code, text string }

func (e *statusError) Error() string {
	return fmt.Sprintf("the broker ended the pull request: %s %s", e.code, e.text)
}

var (
	errStopped   = errors.New("asked to stop")
	errReconnect = errors.New("the connection was replaced")
	errSilence   = errors.New("the broker no longer knows the pull request")
)

func newRequest(s *Source, want, bytes int, take func(consumer.Message)) *request {
	return &request{
		source: s, want: want, bytes: bytes, take: take,
		full: make(chan struct{}), ended: make(chan error, 1), closed: make(chan struct{}),
	}
}

// run asks for r.want messages and returns when they have arrived or when r has
// been retired, with the reason.
func (r *request) run(ctx context.Context) error {
	back := r.source.conn.NextReconnect()
	defer r.source.conn.OnDenied(r.source.next, r.end)()
	if err := r.open(); err != nil {
		return err
	}
	err := r.wait(ctx, back)
	if err != nil {
		r.drain()
	}
	_ = r.sub.Unsubscribe() // it fails only when the connection is closed, which closes the subscription
	<-r.closed
	return err
}

// open subscribes and sends the first pull request.
func (r *request) open() (err error) {
	nc := r.source.conn.NATS()
	if r.sub, err = nc.Subscribe(nc.NewInbox(), r.receive); err != nil {
		return fmt.Errorf("subscribing to messages of %s: %w", r.source.durable, err)
	}
	r.sub.SetClosedHandler(func(string) { close(r.closed) })
	// No more than r.want messages can be waiting, so no limit is needed; the
	// client's own limit in bytes would throw messages away.
	err = r.sub.SetPendingLimits(-1, -1)
	if err == nil {
		err = r.ask()
	}
	if err != nil {
		_ = r.sub.Unsubscribe() // the error that led here is the one to report
		return fmt.Errorf("pulling from %s: %w", r.source.durable, err)
	}
	return nil
}

// ask sends one pull request for what is still wanted.
func (r *request) ask() error {
	body := fmt.Appendf(nil, `{"batch":%d,"max_bytes":%d,"expires":%d,"idle_heartbeat":%d}`, r.want-r.taken, r.bytes, pullExpiry, heartbeat)
	return r.source.conn.NATS().PublishRequest(r.source.next, r.sub.Subject, body)
}

// wait returns nil when r is full, else why it must be retired.
func (r *request) wait(ctx context.Context, back <-chan struct{}) error {
	watchdog := time.NewTicker(heartbeat)
	defer watchdog.Stop()
	silent := 0
	for {
		select {
		case <-r.full:
			return nil
		case <-ctx.Done():
			return errStopped
		case <-r.closed:
			return fmt.Errorf("pulling from %s: %w", r.source.durable, nats.ErrConnectionClosed)
		case <-back:
			return errReconnect
		case err := <-r.ended:
			return err
		case <-watchdog.C:
			silent++
			if r.heard.Swap(false) || !r.source.conn.Connected() {
				silent = 0
			}
			if silent == 2 {
				return errSilence
			}
		}
	}
}

// end reports once why the broker ended the request.
func (r *request) end(err error) {
	select {
	case r.ended <- err:
	default:
	}
}

// receive is the subscription's callback.
func (r *request) receive(m *nats.Msg) {
	r.heard.Store(true)
	if m.Reply == "" { // a stored message has a subject for its ack; a status has not
		r.status(m)
		return
	}
	msg, err := newMessage(r.source, m)
	if err != nil {
		r.end(err)
		return
	}
	r.taken++
	if r.bytes > 0 {
		r.bytes -= m.Size()
		r.cut = r.bytes <= 0 // the broker ends the request at 0 and does not say so
	}
	r.take(msg)
	if r.over() {
		close(r.full)
	}
}

// over reports whether nothing more comes for r.
func (r *request) over() bool { return r.cut || r.taken == r.want }

// status receives what the broker says about the pull request.
func (r *request) status(m *nats.Msg) {
	code, text := m.Header.Get("Status"), m.Header.Get("Description")
	switch {
	case code == "100": // heartbeat
	case r.over(): // "Batch Completed" of a request in bytes: to ask for no more would be to ask for one
	case code == "408" || text == "Batch Completed": // expired; it comes after the last message
		if err := r.ask(); err != nil {
			r.end(err)
		}
	case text == "Message Size Exceeds MaxBytes": // comes after the last message that was small enough
		r.cut = true
		close(r.full)
	default:
		r.end(&statusError{code: code, text: text})
	}
}

// drain ends the subscription at the broker and waits until the callback has had
// every message that the broker had already sent. Without a connection that is
// what has already arrived.
func (r *request) drain() {
	if nc := r.source.conn.NATS(); nc.IsConnected() {
		_ = r.sub.Drain()              // it fails only when the connection is closed
		_ = nc.FlushTimeout(drainWait) // a lost connection brings no more messages either
	}
	deadline := time.NewTimer(drainWait)
	defer deadline.Stop()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for {
		if waiting, _, err := r.sub.Pending(); err != nil || waiting == 0 {
			return
		}
		select {
		case <-r.closed:
			return
		case <-deadline.C:
			return
		case <-poll.C:
		}
	}
}
