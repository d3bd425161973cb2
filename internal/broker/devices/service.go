package devices

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

// Codes of the errors in answers to device requests.
const (
	// codeMalformed: the request is not a JSON object of the right shape.
	codeMalformed = "malformed"
	// codeInvalid: a member is missing or its value cannot be.
	codeInvalid = "invalid"
	// codeBusy: others change the same user all the time; ask again.
	codeBusy = "busy"
	// codeDamaged: what is stored of the user or the token cannot be read, and stays as
	// it is until an operator has looked.
	codeDamaged = "damaged"
	// codeUnavailable: the directory cannot be reached now; ask again.
	codeUnavailable = "unavailable"
)

const (
	serviceName        = "pushworker-devices"
	serviceVersion     = "1.0.0" // of the requests and answers
	serviceQueue       = "pushworker"
	serviceDescription = "registers, lists and removes the devices that pushes are sent to"
	// maxRequests is how many requests are worked on at a time; more wait.
	maxRequests = 32
)

// service answers requests. Each request is one device as JSON, as a line of
// an import; an answer is {"ok":true}, or {"error":{"code":…,"message":…}}. It is
// sent to inboxes only, see [isInbox].
type service struct {
	devices   *Directory
	slots     chan struct{}
	endpoints map[string]*endpoint
	log       zerolog.Logger // of what requests bring about, a few lines a minute

	mu      sync.Mutex
	stopped bool
	working sync.WaitGroup
}

// answer is what a request gets.
type answer struct {
	OK bool `json:"ok,omitempty"`
	// Devices answers ls.
	Devices *[]listed `json:"devices,omitempty"`
	// Tests answers test.
	Tests []*Trial `json:"tests,omitempty"`
	Error *refusal `json:"error,omitempty"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// listed is a device without its token.
type listed struct {
	ID         string    `json:"id"`
	Provider   string    `json:"provider"`
	Platform   string    `json:"platform"`
	App        string    `json:"app,omitempty"`
	Kind       string    `json:"kind,omitempty"`
	Env        string    `json:"env,omitempty"`
	Lang       string    `json:"lang,omitempty"`
	Registered time.Time `json:"registered,omitzero"`
	TokenHash  string    `json:"token_hash"`
}

// request is what one subject does.
type request func(context.Context, push.Device) (answer, error)

// serve answers requests until ctx ends. Replicas share them. It does without the
// service of the micro framework, which answers whatever subject it is told.
func (d *Directory) serve(ctx context.Context) error {
	s := &service{
		devices: d, slots: make(chan struct{}, maxRequests), endpoints: make(map[string]*endpoint),
		log: d.log.Sample(&zerolog.BurstSampler{Burst: 5, Period: time.Minute}),
	}
	var subscriptions []*nats.Subscription
	defer func() { s.stop(subscriptions) }()
	for name, do := range map[string]request{"put": s.put, "ls": s.list, "rm": s.remove, "test": s.test, "ack": s.returned} {
		e := &endpoint{do: do}
		s.endpoints[name] = e
		sub, err := d.conn.NATS().QueueSubscribe(wire.DeviceRequests+name, serviceQueue, s.handler(context.WithoutCancel(ctx), e))
		if err != nil {
			return fmt.Errorf("serving device requests: %w", err)
		}
		subscriptions = append(subscriptions, sub)
	}
	found, err := s.serveDiscovery()
	subscriptions = append(subscriptions, found...)
	if err != nil {
		return fmt.Errorf("serving device requests: %w", err)
	}
	<-ctx.Done()
	return nil
}

// stop takes no more requests and waits for those in work, at most RequestTimeout.
func (s *service) stop(subscriptions []*nats.Subscription) {
	for _, sub := range subscriptions {
		if err := sub.Drain(); err != nil {
			s.log.Debug().Err(err).Str("subject", sub.Subject).Msg("cannot drain device requests")
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
		if m.Reply != "" && !isInbox(m.Reply) {
			e.count(0, answer{Error: &refusal{Code: codeInvalid}}) // the log has only the first of a flood
			s.log.Warn().Str("subject", m.Subject).Str("reply", wire.OneLine(m.Reply, wire.MaxErrorText)).
				Msg("device request refused: it asks for the answer on a subject that is not an inbox; let the client use _INBOX or a prefix that begins with _INBOX_")
			return
		}
		if !s.begin() {
			s.respond(m.Reply, answer{Error: &refusal{codeUnavailable, "the worker is stopping: ask again"}})
			return
		}
		s.slots <- struct{}{}
		go func() {
			defer s.working.Done()
			defer func() { <-s.slots }()
			ctx, cancel := context.WithTimeout(ctx, broker.RequestTimeout)
			defer cancel()
			began := time.Now()
			a := handle(ctx, m.Data, e.do)
			e.count(time.Since(began), a)
			s.respond(m.Reply, a)
		}()
	}
}

// handle turns a request into its answer.
func handle(ctx context.Context, request []byte, do request) answer {
	d, err := device.ParseLine(request)
	if err != nil {
		return answer{Error: &refusal{codeMalformed, oneSentence(err)}}
	}
	a, err := do(ctx, d)
	if err == nil {
		a.OK = true
		return a
	}
	code := codeUnavailable
	if _, invalid := errors.AsType[*device.InvalidError](err); invalid {
		code = codeInvalid
	} else if _, unreadable := errors.AsType[*push.UnreadableError](err); unreadable {
		code = codeDamaged
	} else if errors.Is(err, device.ErrBusy) {
		code = codeBusy
	}
	return answer{Error: &refusal{code, oneSentence(err)}}
}

// oneSentence joins the lines of an error that holds several.
func oneSentence(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// respond sends an answer with the headers of the micro framework.
func (s *service) respond(reply string, a answer) {
	if reply == "" {
		return // nobody waits
	}
	m := nats.NewMsg(reply)
	if a.Error != nil {
		m.Header.Set(micro.ErrorCodeHeader, a.Error.Code)
		m.Header.Set(micro.ErrorHeader, wire.OneLine(a.Error.Message, wire.MaxErrorText))
	}
	s.publish(m, a)
}

func (s *service) put(ctx context.Context, d push.Device) (answer, error) {
	_, err := s.devices.Put(ctx, d)
	return answer{}, err
}

func (s *service) remove(ctx context.Context, like push.Device) (answer, error) {
	_, err := s.devices.Remove(ctx, like)
	return answer{}, err
}

func (s *service) list(ctx context.Context, like push.Device) (answer, error) {
	devices, err := s.devices.List(ctx, like.User)
	if err != nil {
		return answer{}, err
	}
	list := make([]listed, len(devices))
	for i, d := range devices {
		list[i] = s.devices.listed(d)
	}
	return answer{Devices: &list}, nil
}

// listed is dev as an answer shows it.
func (d *Directory) listed(dev push.Device) listed {
	e := dev.More()
	return listed{dev.ID, dev.Provider, dev.Platform, e.App, e.Kind, e.Env, dev.Lang, dev.Registered, d.Hash(dev.Token)}
}
