package queue

import (
	"fmt"
	"math/rand/v2"

	"github.com/nats-io/nats.go"
)

// request is one pull request with a subscription of its own, which tells what comes
// for it from what comes for others.
type request struct {
	source   *Source
	n, bytes int // messages to come, and what they may measure; 0 bytes are no limit
	asked    int // messages in the beginning
	spent    bool
	heard    int // at which look of the pull's watchdog something came last
	sub      *nats.Subscription
}

// statusError is the broker's own end of a pull request.
type statusError struct{ code, text string }

func (e *statusError) Error() string {
	return fmt.Sprintf("the broker ended the pull request: %s %s", e.code, e.text)
}

// open subscribes and sends the pull request. Whatever comes for it goes to arrived;
// lost is told when the connection is closed.
func (r *request) open(arrived chan *nats.Msg, lost func(error)) (err error) {
	nc := r.source.conn.NATS()
	if r.sub, err = nc.ChanSubscribe(nc.NewInbox(), arrived); err != nil {
		return fmt.Errorf("subscribing to messages: %w", err)
	}
	r.sub.SetClosedHandler(func(string) { lost(fmt.Errorf("pulling from %s: %w", r.source.durable, nats.ErrConnectionClosed)) })
	return r.ask()
}

// ask asks the broker for what is still to come.
func (r *request) ask() error {
	body := fmt.Appendf(nil, `{"batch":%d,"max_bytes":%d,"expires":%d,"idle_heartbeat":%d}`, r.n, r.bytes, pullExpiry+rand.N(pullExpiry/2), r.source.heartbeat) //nolint:gosec // jitter
	return r.source.conn.NATS().PublishRequest(r.source.next, r.sub.Subject, body)
}

// count notes that a message of so many bytes has come.
func (r *request) count(bytes int) {
	r.n--
	if r.bytes > 0 {
		r.bytes -= bytes
		r.spent = r.bytes <= 0 // the broker ends the request at 0 and does not say so
	}
}

// over reports whether nothing more comes.
func (r *request) over() bool { return r.spent || r.n == 0 }

// drain has the broker send nothing more, and still receives what it has sent.
func (r *request) drain() {
	if r.sub != nil {
		r.sub.SetClosedHandler(nil)
		_ = r.sub.Drain() // it fails only when the connection is closed
	}
}

// close ends the subscription: what has not arrived is lost.
func (r *request) close() {
	if r.sub != nil {
		r.sub.SetClosedHandler(nil)
		_ = r.sub.Unsubscribe() // it fails only when the connection is closed, which closes the subscription
	}
}
