package fcm

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/credential"
	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// sendTimeout bounds one request; Google's own SDK for Node uses 15 s "to match
	// the back end", and a shorter one repeats what was delivered.
	sendTimeout = 15 * time.Second
	// defaultEndpoint is where FCM is.
	defaultEndpoint = "https://fcm.googleapis.com/v1"
)

// sender sends single messages to one Firebase project:
//
//	line ─► ask ─► wire ─► FCM ─► classify
//
// and subscribes devices to topics beside that.
// Its methods are safe for concurrent use.
type sender struct {
	line      *line.Line
	platforms [platforms]*line.Group
	auth      *auth
	wire      *line.Wire
	topics    *topics
	dryRun    bool
}

// newSender connects nothing, but begins to fetch an access token.
func newSender(ctx context.Context, c *Config, fetch credential.Fetch[string]) (*sender, error) {
	endpoint, err := url.Parse(strings.TrimSuffix(cmp.Or(c.Endpoint, defaultEndpoint), "/"))
	if err != nil {
		return nil, fmt.Errorf("read the endpoint: %w", err)
	}
	s := &sender{dryRun: c.DryRun}
	s.line = line.New(line.Options{
		Name: "FCM", InFlight: c.MaxInFlight, MostInFlight: c.stretched, PerSecond: c.PerSecond, Ramp: c.Ramp, Timeout: sendTimeout, PingWait: c.pingWait,
		Ready: func(ctx context.Context) error { return s.auth.Ready(ctx) },
	})
	for _, p := range []platform{android, ios, web} { // which one another is, FCM does not say
		s.platforms[p] = s.line.Group(p.String())
	}
	s.wire = line.NewWire(ctx, s.line, endpoint, c.Transport == transportNetHTTP)
	path := endpoint.EscapedPath() + "/projects/" + url.PathEscape(c.ProjectID) + "/messages:send"
	s.auth = newAuth(path, fetch, c) //nolint:contextcheck // it outlives ctx, until close
	if s.topics, err = newTopics(ctx, c, endpoint, s.auth); err != nil {
		s.close() //nolint:contextcheck // as above
		return nil, err
	}
	return s, nil
}

// close ends what newSender began, when nothing is sent any more.
func (s *sender) close() {
	s.auth.Close()
	s.wire.Close()
	if s.topics != nil {
		s.topics.close()
	}
}

// state is [push.Stater]'s.
func (s *sender) state() push.State { return s.line.State(s.auth.State()) }
