package fcm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/push"
)

// sendTimeout bounds one request; Google's own SDK for Node uses 15 s "to match
// the back end", and a shorter one repeats what was delivered.
const sendTimeout = 15 * time.Second

var (
	// errDown says that FCM as a whole cannot be used now.
	errDown = errors.New("FCM unavailable")
	// errInterrupted says that ctx ended before there was an answer.
	errInterrupted = errors.New("send was interrupted")
)

// sender sends single messages to one Firebase project:
//
//	resting? gate? ─► limit ─► pace ─► gate ─► SDK ─► recorder ─► auth ─► pool ─► FCM
//
// and classifies the answers. Its methods are safe for concurrent use.
type sender struct {
	resting  resting
	evidence evidence
	gate     *gate
	limit    *limit
	pace     *pace
	auth     *auth
	pool     *pool
	meter    meter
	sdk      send
	dry      send // has FCM check the message and deliver nothing
}

type send func(context.Context, *messaging.Message) (string, error)

// sending is the configuration of a sender.
type sending struct {
	project, endpoint string
	key               []byte // the service account's; nil when file is read
	file              string
	dryRun            bool
	inFlight          int
	perSecond         float64
	ramp              time.Duration
}

// newSender connects nothing, but begins to fetch an access token.
func newSender(ctx context.Context, c sending, fetch credential.Fetch[string]) (*sender, error) {
	s := &sender{
		limit: newLimit(c.inFlight),
		pace:  newPace(c.perSecond, c.ramp),
	}
	s.pool = newPool(c.inFlight, strings.HasPrefix(c.endpoint, "http://"), s.meter.dial)
	s.gate = newGate(s.pace.restart)
	s.auth = newAuth(s.pool, fetch, c.key, c.file) //nolint:contextcheck // it outlives ctx, until close
	options := []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: recorder{s.auth}})}
	if c.endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimSuffix(c.endpoint, "/")))
	}
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: c.project}, options...)
	if err != nil {
		s.close()
		return nil, fmt.Errorf("set up Firebase: %w", err)
	}
	client, err := app.Messaging(ctx)
	if err != nil {
		s.close()
		return nil, fmt.Errorf("set up Firebase messaging: %w", err)
	}
	s.sdk, s.dry = client.Send, client.SendDryRun
	if c.dryRun {
		s.sdk = s.dry
	}
	return s, nil
}

// close ends what newSender began, when nothing is sent any more.
func (s *sender) close() {
	s.auth.Close()
	s.pool.close()
}

// send makes one request at most. The error wraps errDown when FCM as a whole
// cannot be used, and errInterrupted when ctx has ended; answer is valid if it is
// nil.
func (s *sender) send(ctx context.Context, m *messaging.Message, p platform) (a answer, err error) {
	return s.sendBy(ctx, s.sdk, m, p)
}

func (s *sender) sendBy(ctx context.Context, by send, m *messaging.Message, p platform) (a answer, err error) {
	if a, known, err := s.known(m, p); known {
		return a, err
	}
	if err := s.auth.Ready(ctx); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errDown, err)
	}
	if err := s.limit.acquire(ctx); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errInterrupted, err)
	}
	defer func() { s.limit.done(a.fate == accepted, a.scope == all, time.Now()) }()
	if err := s.pace.wait(ctx); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errInterrupted, err)
	}
	return s.request(ctx, by, m, p)
}

// request asks FCM, if it still may be asked: what it has said to others while
// this one waited for its turn counts.
func (s *sender) request(ctx context.Context, by send, m *messaging.Message, p platform) (a answer, err error) {
	if a, known, err := s.known(m, p); known {
		return a, err
	}
	a, known, done := s.resting.ask(m, p, time.Now())
	if known {
		return a, nil
	}
	defer done()
	leave, err := s.gate.enter(time.Now())
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errDown, err)
	}
	verdict := errUncounted
	defer func() {
		leave(verdict)
		if errors.Is(verdict, errSick) && !s.gate.open() { // not the target's fault, so not an attempt of its
			err = fmt.Errorf("%w: %w", errDown, a.err)
		}
	}()

	claim, token, err := s.ask(ctx, by, m)
	if err != nil {
		return answer{}, err
	}
	a, verdict, err = s.learn(claim, token, m, p)
	return a, err
}

// ask sends one request and says what its answer claims, and with which token it
// was made.
func (s *sender) ask(ctx context.Context, by send, m *messaging.Message) (claim answer, token *ticket, err error) {
	x := &exchange{}
	sendCtx, cancel := context.WithTimeout(withExchange(ctx, x), sendTimeout)
	defer cancel()
	began := time.Now()
	id, err := by(sendCtx, m)
	took := time.Since(began)
	switch {
	case errors.Is(x.err, errNoToken): // it has gone meanwhile
		return answer{}, nil, fmt.Errorf("%w: %w", errDown, x.err)
	case x.err != nil && ctx.Err() != nil:
		claim, err = interrupted(ctx, took)
		return claim, nil, err
	}
	claim = classify(x, id, err, time.Now())
	if x.err != nil && sendCtx.Err() != nil {
		claim.silent, claim.wait = true, sendTimeout
	}
	s.meter.answered(claim, took)
	return claim, x.token, nil
}

// known is what need not be asked: that FCM is down, or that the target rests.
// Whether FCM is back, a target that rests does not show.
func (s *sender) known(m *messaging.Message, p platform) (a answer, known bool, err error) {
	now := time.Now()
	if err := s.gate.closed(now); err != nil {
		return answer{}, true, fmt.Errorf("%w: %w", errDown, err)
	}
	a, known = s.resting.answer(m, p, now)
	if known && !s.gate.open() {
		err = fmt.Errorf("%w: %w", errDown, s.gate.reason())
	}
	return a, known, err
}

// interrupted is the outcome of a request whose ctx has ended. Out of time, it was
// an attempt, because it may never take less; but too short a deadline of ours
// says nothing about FCM, and no more about the target than that it takes so long.
func interrupted(ctx context.Context, took time.Duration) (answer, error) {
	cause := fmt.Errorf("%w: %w", errInterrupted, context.Cause(ctx))
	if !errors.Is(cause, context.DeadlineExceeded) {
		return answer{}, cause
	}
	a := answer{fate: again, code: "timeout", silent: true, tried: true, err: cause}
	if took >= leastSilence {
		a.wait = took
	}
	return a, nil
}

// learn draws from an answer what concerns more than its target. claim is what the
// answer says, a what of that is certain; verdict is for the gate, and err wraps
// errDown if FCM is not to be asked.
func (s *sender) learn(claim answer, token *ticket, m *messaging.Message, p platform) (a answer, verdict, err error) {
	if !claim.tried || claim.silent && claim.scope == one { // FCM has said nothing
		s.resting.learn(m, p, claim, time.Now())
		return claim, errUncounted, nil
	}
	now := time.Now()
	a = s.evidence.judge(claim, keyOf(m), p, now)
	s.resting.learn(m, p, a, now)
	if claim.closed && claim.wait == 0 {
		s.auth.Refused(token)
	}
	switch {
	case a.scope == all:
		if a.closed && a.wait > 0 {
			s.gate.pauseUntil(now.Add(a.wait), a.err)
		}
		s.gate.explain(a.err)
		return a, errClose, fmt.Errorf("%w: %w", errDown, a.err)
	case claim.scope == all && !claim.doubtful:
		return a, errSick, nil
	}
	return a, nil, nil
}

// state is [push.Stater]'s.
func (s *sender) state() push.State {
	state := s.auth.State()
	state.Connections = int(s.meter.open.Load())
	return state
}
