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
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// sendTimeout bounds one request; Google's own SDK for Node uses 15 s "to match
// the back end", and a shorter one repeats what was delivered.
const sendTimeout = 15 * time.Second

// sender sends single messages to one Firebase project:
//
//	line ─► SDK ─► recorder ─► auth ─► conns ─► FCM
//
// and classifies the answers. Its methods are safe for concurrent use.
type sender struct {
	line      *line.Line
	platforms [platforms]*line.Group
	auth      *auth
	conns     *line.Conns
	sdk       send
	dry       send // has FCM check the message and deliver nothing
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
	s := &sender{}
	s.line = line.New(line.Options{
		Name: "FCM", InFlight: c.inFlight, PerSecond: c.perSecond, Ramp: c.ramp, Timeout: sendTimeout, Blocking: true,
		Ready: func(ctx context.Context) error { return s.auth.Ready(ctx) },
	})
	for _, p := range []platform{android, ios, web} { // which one another is, FCM does not say
		s.platforms[p] = s.line.Group(p.String())
	}
	s.conns = line.NewConns(c.inFlight, strings.HasPrefix(c.endpoint, "http://"), s.line.Dial)
	s.auth = newAuth(s.conns, fetch, c.key, c.file) //nolint:contextcheck // it outlives ctx, until close
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
	s.conns.Close()
}

// call is the request that sends m by one of the SDK's functions.
func (s *sender) call(by send, m *messaging.Message, p platform) line.Call {
	key := m.Token
	if m.Topic != "" {
		key = "/topics/" + m.Topic
	}
	return line.Call{Key: key, Group: s.platforms[p], Public: m.Topic != "", Do: func(ctx context.Context, answered func(line.Answer)) {
		answered(s.ask(ctx, by, m))
	}}
}

// ask sends one request and says what its answer claims.
func (s *sender) ask(ctx context.Context, by send, m *messaging.Message) line.Answer {
	x, a := s.exchange(ctx, by, m)
	switch {
	case errors.Is(x.Err, errNoToken): // it has gone meanwhile
		return s.line.Down(x.Err)
	case a.Closed && a.Wait == 0:
		s.auth.Refused(x.token)
	case a.Doubt != nil && a.Scope == line.OfGroup:
		a.Group = s.platforms[ios] // whatever the directory says of the device
	}
	return a
}

// exchange sends one request and returns what came back, and what it means.
func (s *sender) exchange(ctx context.Context, by send, m *messaging.Message) (*exchange, line.Answer) {
	x := &exchange{}
	ctx, cancel := context.WithTimeout(withExchange(ctx, x), sendTimeout)
	defer cancel()
	id, err := by(ctx, m)
	return x, classify(x.Exchange, id, err, time.Now())
}

// state is [push.Stater]'s.
func (s *sender) state() push.State {
	state := s.auth.State()
	state.Connections = s.line.Connections()
	return state
}
