package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/consumer"
)

const (
	// pullExpiry is how long the broker keeps one pull request at least; it is up to half
	// as much more, so that those of many processes are not renewed at once. heartbeat is
	// how often it shows that it does. After two silent heartbeats the request is lost.
	pullExpiry, heartbeat = time.Minute, 5 * time.Second
	// statuses is how many words of the broker about its requests can wait in a pull,
	// beside the messages: a handful of requests, and a heartbeat of each now and then.
	statuses = 64
)

var (
	errStopped   = errors.New("asked to stop")
	errReconnect = errors.New("the connection was replaced")
	errSilence   = errors.New("the broker no longer knows the pull request")
)

// pull is one call of Pull. All of it but end belongs to the goroutine that called it.
type pull struct {
	source *Source
	more   consumer.More
	take   func(consumer.Message)

	arrived chan *nats.Msg // for all requests, in the order in which the broker sent it; never full
	ended   chan error     // why the broker ended a request; room for the first
	live    []*request
	looks   int  // of the watchdog
	taken   int  // messages
	refused bool // the first message of a request was too large for it
	retired bool // nothing more is asked for
}

// Pull implements [consumer.Source].
//
// It sends its own pull requests, each on a subscription of its own, and does not use
// Consume of the client library with StopAfter, because that one delivers more
// than was asked for, and strands the rest until AckWait: on each reconnect and
// missed heartbeat it asks for everything that its callback has not seen yet,
// without counting what waits in its own buffer, and what arrives after the n-th
// message is thrown away. Here doubtful requests are first retired together with
// their subscriptions: everything that the broker sent for them is delivered and
// counted, and only then a new request asks for the rest.
//
// Several requests overlap where more says so. The broker deals its messages out to
// them in turn; since all subscriptions fill one channel, they are taken in the order
// in which the broker sent them, which is the stream's.
func (s *Source) Pull(ctx context.Context, n, bytes int, more consumer.More, take func(consumer.Message)) (delivered int, err error) {
	p := &pull{source: s, more: more, take: take, arrived: make(chan *nats.Msg, 2*n+statuses), ended: make(chan error, 1)}
	for n > 0 && ctx.Err() == nil {
		err := p.run(ctx, n, bytes)
		if err = s.goOn(ctx, err); err != nil {
			return p.taken, err
		}
		n, bytes = p.left()
		p.live = nil
	}
	if p.refused && p.taken == 0 {
		return 0, consumer.ErrNoRoom
	}
	return p.taken, nil
}

// run asks for n messages of so many bytes, and for more where more says so. It
// returns when they have arrived, or when the requests have been retired, with the
// reason; what they still lack is then in live.
func (p *pull) run(ctx context.Context, n, bytes int) error {
	conn := p.source.conn
	back := conn.NextReconnect()
	select {
	case <-p.ended: //nolint:errcheck // of requests that are retired
	default:
	}
	p.retired = false
	forget := conn.OnDenied(p.source.next, p.end)
	defer forget()
	p.ask(n, bytes)
	err := p.wait(ctx, back)
	if err != nil {
		p.retire()
	}
	return err
}

// wait receives until no request is left, or returns why they must be retired.
func (p *pull) wait(ctx context.Context, back <-chan struct{}) error {
	watchdog := time.NewTicker(p.source.heartbeat / 2)
	defer watchdog.Stop()
	for len(p.live) > 0 {
		select {
		case m := <-p.arrived:
			p.receive(m)
			for range len(p.arrived) { // without a look at the others
				p.receive(<-p.arrived)
			}
		case <-ctx.Done():
			return errStopped
		case <-back:
			return errReconnect
		case err := <-p.ended:
			return err
		case <-watchdog.C:
			if p.silent() {
				return errSilence
			}
		}
	}
	return nil
}

// silent reports whether a request has missed two heartbeats.
func (p *pull) silent() bool {
	p.looks++
	connected, silent := p.source.conn.Connected(), false
	for _, r := range p.live {
		if !connected {
			r.heard = p.looks
		}
		silent = silent || p.looks-r.heard > 4 // two looks are one heartbeat, and the first may come at once
	}
	return silent
}

// end reports once why the broker ended a request. Safe for concurrent use.
func (p *pull) end(err error) {
	select {
	case p.ended <- err:
	default:
	}
}

// ask sends a request for n messages of so many bytes.
func (p *pull) ask(n, bytes int) {
	r := &request{source: p.source, n: n, asked: n, bytes: bytes, heard: p.looks}
	p.live = append(p.live, r)
	if err := r.open(p.arrived, p.end); err != nil {
		p.end(fmt.Errorf("pulling from %s: %w", p.source.durable, err))
	}
}

// receive receives what has arrived for one of the requests.
func (p *pull) receive(m *nats.Msg) {
	r := p.of(m.Sub)
	if r == nil { // the broker's last word on a request that is over
		return
	}
	r.heard = p.looks
	if m.Reply == "" { // a stored message has a subject for its ack; a status has not
		p.status(r, m)
	} else {
		p.message(r, m)
	}
	if p.more == nil || p.refused || p.retired {
		return
	}
	if n, bytes := p.more(p.left()); n > 0 {
		p.ask(n, bytes)
	}
}

// message receives a message.
func (p *pull) message(r *request, m *nats.Msg) {
	msg, err := newMessage(p.source, m)
	if err != nil {
		p.end(err)
		return
	}
	if r.count(m.Size()); r.over() {
		p.forget(r)
	}
	p.taken++
	p.source.took.Store(true)
	p.take(msg)
}

// status receives what the broker says about a request.
func (p *pull) status(r *request, m *nats.Msg) {
	code, text := m.Header.Get("Status"), m.Header.Get("Description")
	switch {
	case code == "100", p.retired: // heartbeat; or whatever it is, it comes too late
	case code == "408": // expired; it comes after the last message
		if err := r.ask(); err != nil {
			p.end(err)
		}
	case text == "Message Size Exceeds MaxBytes", text == "Batch Completed":
		p.cut(r, m.Header.Get("Nats-Pending-Messages"))
	default:
		p.end(&statusError{code: code, text: text})
	}
}

// cut ends a request that is complete, or for whose next message there is no room. In a
// cluster the broker's word overtakes the messages before, which wait for a majority of
// the nodes: those are what it does not count as pending.
func (p *pull) cut(r *request, pending string) {
	missing, err := strconv.Atoi(pending)
	if err != nil {
		missing = r.n
	}
	p.refused = p.refused || missing >= r.asked
	if r.n -= missing; r.n <= 0 {
		p.forget(r)
	}
}

// of finds the request of a subscription; nil when it is over.
func (p *pull) of(sub *nats.Subscription) *request {
	for _, r := range p.live {
		if r.sub == sub {
			return r
		}
	}
	return nil
}

// forget ends a request for which nothing more comes.
func (p *pull) forget(r *request) {
	r.close()
	p.live = slices.DeleteFunc(p.live, func(other *request) bool { return other == r })
}

// left says what is still to come for all requests.
func (p *pull) left() (n, bytes int) {
	for _, r := range p.live {
		n, bytes = n+r.n, bytes+r.bytes
	}
	return n, bytes
}
