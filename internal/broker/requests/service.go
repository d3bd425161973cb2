// Package requests answers what chat servers ask: each request is one JSON object on a
// subject, each answer {"ok":true} with more, or {"error":{"code":…,"message":…}}. Replicas
// share the requests. It refuses to know what is asked for. What is lost at its border: an
// answer that was to go to what is no inbox.
package requests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// Codes of the errors in answers.
const (
	// Malformed: the request is not a JSON object of the right shape.
	Malformed = "malformed"
	// Invalid: a member is missing or its value cannot be.
	Invalid = "invalid"
	// Busy: others change the same user all the time; ask again.
	Busy = "busy"
	// Damaged: what is stored cannot be read, and stays as it is until an operator has
	// looked.
	Damaged = "damaged"
	// Foreign: the chat server keeps the devices itself, see PUSHWORKER_DIRECTORY.
	Foreign = "foreign"
	// Unavailable: what is stored cannot be reached now; ask again.
	Unavailable = "unavailable"
)

const (
	serviceVersion = "1.0.0" // of the requests and answers
	serviceQueue   = "pushworker"
	// maxRequests is how many requests are worked on at a time; more wait.
	maxRequests = 32
)

// Refusal is why a request was not carried out.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Answer is what a request gets that has nothing to tell.
type Answer struct {
	OK    bool     `json:"ok,omitempty"`
	Error *Refusal `json:"error,omitempty"`
}

// Done is the answer that it was carried out.
var Done = Answer{OK: true} //nolint:gochecknoglobals // it is a constant

// Do carries out a request and returns its answer. An error is told by its type.
type Do func(ctx context.Context, request []byte) (any, error)

// MalformedError is a request that cannot be read.
type MalformedError struct{ Err error }

func (e *MalformedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *MalformedError) Unwrap() error { return e.Err }

// Service is what answers.
type Service struct {
	// Name and Description are what `nats micro ls` shows.
	Name, Description string
	// Prefix is what the subjects begin with, and Endpoints are what they end in.
	Prefix    string
	Endpoints map[string]Do
	// Log is of what requests bring about, a few lines a minute.
	Log zerolog.Logger
}

// service is a Service that runs.
type service struct {
	Service

	conn      *broker.Conn
	slots     chan struct{}
	endpoints map[string]*endpoint
	log       zerolog.Logger

	mu      sync.Mutex
	stopped bool
	working sync.WaitGroup
}

// Serve answers requests until ctx ends. Replicas share them. It does without the
// service of the micro framework, which answers whatever subject it is told.
func Serve(ctx context.Context, c *broker.Conn, what Service) error {
	s := &service{
		Service: what, conn: c, slots: make(chan struct{}, maxRequests), endpoints: make(map[string]*endpoint),
		log: what.Log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute}),
	}
	var subscriptions []*nats.Subscription
	defer func() { s.stop(subscriptions) }()
	for name, do := range s.Endpoints {
		e := &endpoint{do: do}
		s.endpoints[name] = e
		sub, err := c.NATS().QueueSubscribe(s.Prefix+name, serviceQueue, s.handler(context.WithoutCancel(ctx), e))
		if err != nil {
			return fmt.Errorf("serving requests: %w", err)
		}
		subscriptions = append(subscriptions, sub)
	}
	found, err := s.serveDiscovery()
	subscriptions = append(subscriptions, found...)
	if err != nil {
		return fmt.Errorf("serving requests: %w", err)
	}
	<-ctx.Done()
	return nil
}

// stop takes no more requests and waits for those in work, at most RequestTimeout.
func (s *service) stop(subscriptions []*nats.Subscription) {
	for _, sub := range subscriptions {
		if err := sub.Drain(); err != nil {
			s.log.Debug().Err(err).Str("subject", sub.Subject).Msg("cannot drain requests")
		}
	}
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.working.Wait()
}

// begin reports whether a request may be worked on; then end must be called.
func (s *service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.working.Add(1)
	}
	return !s.stopped
}

// handler works on requests beside each other. While all slots are taken, what
// comes waits in the client.
func (s *service) handler(ctx context.Context, e *endpoint) nats.MsgHandler {
	return func(m *nats.Msg) {
		if m.Reply != "" && !IsInbox(m.Reply) {
			e.count(0, &Refusal{Code: Invalid}) // the log has only the first of a flood
			s.log.Warn().Str("subject", m.Subject).Str("reply", wire.OneLine(m.Reply, wire.MaxErrorText)).
				Msg("request refused: it asks for the answer on a subject that is not an inbox; let the client use _INBOX or a prefix that begins with _INBOX_")
			return
		}
		if !s.begin() {
			stopping := &Refusal{Unavailable, "the worker is stopping: ask again"}
			s.respond(m.Reply, Answer{Error: stopping}, stopping)
			return
		}
		s.slots <- struct{}{}
		go func() {
			defer s.working.Done()
			defer func() { <-s.slots }()
			ctx, cancel := s.conn.Bound(ctx, broker.RequestTimeout)
			defer cancel()
			began := time.Now()
			answer, refused := handle(ctx, m.Data, e.do)
			e.count(time.Since(began), refused)
			s.respond(m.Reply, answer, refused)
		}()
	}
}

// handle carries out a request.
func handle(ctx context.Context, request []byte, do Do) (any, *Refusal) {
	answer, err := do(ctx, request)
	if err == nil {
		return answer, nil
	}
	refused := &Refusal{code(err), OneSentence(err)}
	return Answer{Error: refused}, refused
}

// code is that of an error.
func code(err error) string {
	_, malformed := errors.AsType[*MalformedError](err)
	_, invalid := errors.AsType[*device.InvalidError](err)
	_, unreadable := errors.AsType[*push.UnreadableError](err)
	switch {
	case malformed:
		return Malformed
	case invalid:
		return Invalid
	case unreadable:
		return Damaged
	case errors.Is(err, device.ErrBusy):
		return Busy
	case errors.Is(err, device.ErrForeign):
		return Foreign
	}
	return Unavailable
}

// OneSentence joins the lines of an error that holds several.
func OneSentence(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// respond sends an answer with the headers of the micro framework.
func (s *service) respond(reply string, answer any, refused *Refusal) {
	if reply == "" {
		return // nobody waits
	}
	m := nats.NewMsg(reply)
	if refused != nil {
		m.Header.Set(micro.ErrorCodeHeader, refused.Code)
		m.Header.Set(micro.ErrorHeader, wire.OneLine(refused.Message, wire.MaxErrorText))
	}
	s.publish(m, answer)
}
