package fcm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/errorutils"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// maxTopicTokens is the most tokens that one request may carry.
	maxTopicTokens = 1000
	// maxTopicsAnswer bounds an answer, in bytes: of 1,000 tokens it has some 30,000.
	maxTopicsAnswer = 1 << 20
	// defaultTopics is where Google subscribes tokens to topics.
	defaultTopics = "https://iid.googleapis.com/iid/v1"
)

// topics subscribes tokens to topics by the Firebase SDK, which Google keeps in step with
// a service that has no published reference of its own (ADR 026).
type topics struct {
	client *messaging.Client
	http   *http.Client
	conns  line.Meter
}

// newTopics connects nothing.
func newTopics(ctx context.Context, c *Config, endpoint *url.URL, a *auth) (*topics, error) {
	fallback := defaultTopics
	if c.Endpoint != "" {
		fallback = endpoint.Scheme + "://" + endpoint.Host + "/iid/v1"
	}
	to, err := url.Parse(strings.TrimSuffix(cmp.Or(c.TopicsEndpoint, fallback), "/"))
	if err != nil {
		return nil, fmt.Errorf("read topics_endpoint: %w", err)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("net/http has another default transport")
	}
	t, transport := new(topics), transport.Clone()
	transport.DialContext = t.conns.Dial
	t.http = &http.Client{
		Transport: &topicsTransport{to: to, auth: a, next: transport}, Timeout: sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: c.ProjectID}, option.WithHTTPClient(t.http))
	if err == nil {
		t.client, err = app.Messaging(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("make the client for topics: %w", err)
	}
	return t, nil
}

// close ends the connections, when nothing is sent any more.
func (t *topics) close() {
	t.http.CloseIdleConnections()
	t.conns.HangUp()
}

// channels is [push.Work.Channels]; nil if nothing is to be changed at FCM.
func (h *handler) channels() *push.Channels {
	if h.config.DryRun {
		return nil
	}
	return &push.Channels{
		Provider: provider, Batch: maxTopicTokens, Set: h.sender.topics.set,
		Mine: func(d push.Device) bool { return d.Token != "" && d.For(provider) && h.mine(d) },
	}
}

// set is [push.Channels.Set]. The topic is the channel's name, to which the channel's
// receipts go.
func (t *topics) set(ctx context.Context, channel string, member bool, devices []push.Device) (all []push.Target, err error) {
	if !isTopicName(channel) {
		return nil, errChannelName
	}
	defer func() { // the SDK takes it for granted that an answer is one of Google's
		if v := recover(); v != nil {
			err = errTopicsAnswer
		}
	}()
	tokens := make([]string, len(devices))
	for i, d := range devices {
		tokens[i] = d.Token
	}
	ctx, stop := context.WithTimeout(ctx, sendTimeout)
	defer stop()
	do := t.client.SubscribeToTopic
	if !member {
		do = t.client.UnsubscribeFromTopic
	}
	answer, err := do(ctx, tokens, channel)
	if err != nil {
		return nil, topicsError(ctx, err)
	}
	if answer.SuccessCount+answer.FailureCount != len(devices) {
		return nil, errTopicsAnswer
	}
	all = make([]push.Target, len(devices))
	for i, d := range devices {
		all[i] = push.Target{Device: d, Channel: channel, Result: push.ResultAccepted}
	}
	for _, e := range answer.Errors {
		all[e.Index].Result, all[e.Index].Why = topicsResult(e.Reason)
	}
	return all, nil
}

var errTopicsAnswer = errors.New("the answer about topics is none of Google's: check topics_endpoint, endpoint and the proxy")

// topicsResult is what a reason says of one token. Others than these are passing.
func topicsResult(reason string) (result push.Result, why string) {
	switch reason {
	case "NOT_FOUND", "UNREGISTERED":
		return push.ResultGone, "unregistered"
	case "INVALID_ARGUMENT":
		return push.ResultRejected, "FCM says that the token is none"
	case "PERMISSION_DENIED":
		return push.ResultRejected, "the token belongs to another Firebase project: check project_id and credentials, and with several fcm handlers \"apps\" of each"
	case "TOO_MANY_TOPICS":
		return push.ResultRejected, "the app is subscribed to as many topics as FCM allows, 2,000: let the user leave some channels"
	}
	return push.ResultRetried, "FCM cannot say now"
}

// topicsError words why there is no answer, without what was answered, which may quote
// tokens.
func topicsError(ctx context.Context, err error) error {
	resp := errorutils.HTTPResponse(err) //nolint:bodyclose // the SDK has read and closed it
	if resp == nil {
		if ctx.Err() != nil {
			return fmt.Errorf("no answer about topics: %w", context.Cause(ctx))
		}
		return fmt.Errorf("no answer about topics: %w", err)
	}
	hint := "it is asked again"
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		hint = "replace the service account's key in credentials or credentials_file"
	case http.StatusForbidden:
		hint = roleHint
	case http.StatusNotFound:
		hint = "check topics_endpoint and endpoint"
	}
	return fmt.Errorf("FCM answers %d to topics: %s", resp.StatusCode, hint)
}

// topicsTransport shows the access token, and sends where the SDK cannot be told to.
type topicsTransport struct {
	to   *url.URL
	auth *auth
	next *http.Transport
}

// RoundTrip implements [http.RoundTripper].
func (t *topicsTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.auth.Ready(req.Context()); err != nil {
		return nil, err
	}
	token, err := t.auth.Now()
	if err != nil {
		return nil, err //nolint:wrapcheck // a RoundTripper passes errors on
	}
	_, operation, _ := strings.Cut(req.URL.Path, ":")
	req = req.Clone(req.Context())
	to := *t.to
	to.Path += ":" + operation
	req.URL, req.Host = &to, ""
	req.Header.Set("Authorization", token.Value.authorization)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	if resp.StatusCode == http.StatusUnauthorized {
		t.auth.Refused(token)
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxTopicsAnswer)
	return resp, nil
}

// CloseIdleConnections is [http.Client]'s.
func (t *topicsTransport) CloseIdleConnections() { t.next.CloseIdleConnections() }
