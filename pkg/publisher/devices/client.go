package devices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/pkg/push"
)

// requestTimeout is how long a request waits for its answer if its context has no
// earlier end. Workers answer within 5 s.
const requestTimeout = 6 * time.Second

// ErrSilent says that nobody answered: no worker runs, it is overloaded, or the
// broker does not let this user ask. Whether the request was carried out is not
// known; all requests may be repeated.
var ErrSilent = errors.New("no answer: check that a worker runs and that this user may send the request, then send it again")

// Error is the refusal of a request.
type Error struct {
	// Code is "malformed", "invalid", "busy", "unavailable" or "damaged";
	// docs/devices.md says what to do about each.
	Code string `json:"code"`
	// Message says what to do. It contains no token.
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Again reports whether err may go away by itself, so that the same request is worth
// sending again after a pause.
func Again(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Code == codeBusy || refused.Code == codeUnavailable
	}
	return errors.Is(err, ErrSilent) || errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, nats.ErrDisconnected)
}

// Registered is a device as workers list it: without its token.
type Registered struct {
	ID         string    `json:"id"`
	Provider   string    `json:"provider"`
	Platform   string    `json:"platform"`
	App        string    `json:"app"`
	Kind       string    `json:"kind"`
	Env        string    `json:"env"`
	Lang       string    `json:"lang"`
	Registered time.Time `json:"registered"`
	// TokenHash tells whether two devices have the same token. It is keyed by the
	// workers' installation, so that it cannot be computed from the token.
	TokenHash string `json:"token_hash"`
}

// Client sends requests to workers over one connection, which stays the caller's.
// Each method makes one request and waits for its answer, at most 6 s. Its error
// wraps an [*Error], [ErrSilent] or the cause of ctx; [Again] says whether to try
// again. The methods may be called from any goroutine.
type Client struct{ nc *nats.Conn }

// NewClient returns a client on nc.
func NewClient(nc *nats.Conn) *Client { return &Client{nc: nc} }

// Put registers d, or its new token. A token belongs to one user: it is taken from
// the one who had it.
func (c *Client) Put(ctx context.Context, d push.Device) error {
	return c.request(ctx, "push.devices.put", d, nil)
}

// List returns the devices of user that the workers keep.
func (c *Client) List(ctx context.Context, user push.Uid) ([]Registered, error) {
	var answer struct {
		Devices []Registered `json:"devices"`
	}
	err := c.request(ctx, "push.devices.ls", push.Device{User: user}, &answer)
	return answer.Devices, err
}

// Remove removes the devices that match all members of like that are not empty: the
// user, which must be set, and its id, provider, app, kind, env and token. That there
// is none is no error.
func (c *Client) Remove(ctx context.Context, like push.Device) error {
	return c.request(ctx, "push.devices.rm", like, nil)
}

// Subscribe has user's devices get what is sent to channel ("chn…"). It may be
// repeated, for example when the user has a new device.
func (c *Client) Subscribe(ctx context.Context, user push.Uid, channel string) error {
	return c.request(ctx, "push.channels.put", subscription{user.String(), channel}, nil)
}

// Unsubscribe ends what [Client.Subscribe] began.
func (c *Client) Unsubscribe(ctx context.Context, user push.Uid, channel string) error {
	return c.request(ctx, "push.channels.rm", subscription{user.String(), channel}, nil)
}

// subscription is a request about a channel.
type subscription struct {
	User    string `json:"user"`
	Channel string `json:"channel"`
}

// request asks and reads the answer into result unless that is nil.
func (c *Client) request(ctx context.Context, subject string, request, result any) error {
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode the request %s: %w", subject, err)
	}
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := c.nc.RequestWithContext(limited, subject, data)
	switch {
	case err == nil:
		return readAnswer(subject, m.Data, result)
	case ctx.Err() != nil:
		return fmt.Errorf("request %s: %w: %w", subject, ErrSilent, context.Cause(ctx))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("request %s: %w", subject, ErrSilent)
	}
	return fmt.Errorf("request %s: %w", subject, err)
}

// readAnswer reads an answer.
func readAnswer(subject string, data []byte, result any) error {
	var answer struct {
		OK    bool   `json:"ok"`
		Error *Error `json:"error"`
	}
	err := json.Unmarshal(data, &answer)
	switch {
	case err != nil || (!answer.OK && answer.Error == nil):
		return fmt.Errorf("request %s: the answer is not that of a worker: something else listens on the subject", subject)
	case answer.Error != nil:
		return fmt.Errorf("request %s: %w", subject, answer.Error)
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(data, result); err != nil {
		return fmt.Errorf("read the answer to %s: %w", subject, err)
	}
	return nil
}
