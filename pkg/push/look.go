package push

import (
	"context"
	"encoding/json"
	"errors"
)

// Level is how much a [Finding] matters.
type Level uint8

// The levels, from the least to the most.
const (
	// LevelOK: it is as it should be.
	LevelOK Level = iota + 1
	// LevelWarn: it works, and deserves a look.
	LevelWarn
	// LevelFail: pushes do not go out until it is corrected.
	LevelFail
)

// String is ok, warn or fail.
func (l Level) String() string {
	switch l {
	case LevelOK:
		return "ok"
	case LevelWarn:
		return "warn"
	case LevelFail:
		return "fail"
	}
	return "unknown"
}

// MarshalText returns what String returns.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Finding is one thing that a check has looked at. It holds no secret, no token
// and no content.
type Finding struct {
	Level Level `json:"level"`
	// Check says what was looked at, in a word or two: "dns", "access token".
	Check string `json:"check"`
	// Text says what was found.
	Text string `json:"text"`
	// Remedy says what to do about it; empty when there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
}

// Checker is a Handler that can look whether its provider would take what it sends.
// Check asks the provider, delivers nothing to anybody, changes nothing, and ends
// soon after ctx does. It is called between Init and Stop; no findings mean that
// there is nothing to look at.
type Checker interface {
	Handler
	Check(ctx context.Context) []Finding
}

// Prober is a Handler that can find out without a receipt whether its provider is
// available. A lane that has stopped because of [Unavailable] calls Probe when no
// receipt comes that could tell. Probe makes one request at most, delivers nothing
// to anybody and ends soon after ctx does. It returns nil if the provider works, an
// [Unavailable] error if it does not, and any other error if it cannot tell.
type Prober interface {
	Handler
	Probe(ctx context.Context) error
}

// Route is what a handler would do about one target of a receipt.
type Route struct {
	// Target is whom it is about. Its Result is [ResultAccepted] when the message
	// would be sent, and otherwise says with Why what becomes of it. It names nobody
	// when the receipt as a whole is concerned.
	Target
	// Silent says that the message would show nothing to the user.
	Silent bool
	// Message is what would be sent, as JSON and without the device's token; nil when
	// nothing would be. It holds the receipt's content.
	Message json.RawMessage
}

// Router is a Handler that can say what it would do about a receipt. Route sends
// nothing. It goes the same way as sending, so that there is no second truth. The
// error wraps [errors.ErrUnsupported] when the handler cannot tell.
type Router interface {
	Handler
	Route(ctx context.Context, r *Receipt) ([]Route, error)
}

var errNoRoute = errors.Join(errors.New("handler does not say what it would send"), errors.ErrUnsupported)

var errNoProbe = errors.Join(errors.New("handler cannot ask its provider without a receipt"), errors.ErrUnsupported)

// Probe implements [Prober] with Work.Probe; without one it cannot tell.
func (a *Adapter) Probe(ctx context.Context) error {
	if p := a.pool.Load(); p != nil && p.work.Probe != nil {
		return p.work.Probe(ctx)
	}
	return errNoProbe
}

// Check implements [Checker] with Work.Check; without one it finds nothing.
func (a *Adapter) Check(ctx context.Context) []Finding {
	if p := a.pool.Load(); p != nil && p.work.Check != nil {
		return p.work.Check(ctx)
	}
	return nil
}

// Route implements [Router] with Work.Route.
func (a *Adapter) Route(ctx context.Context, r *Receipt) ([]Route, error) {
	if p := a.pool.Load(); p != nil && p.work.Route != nil {
		return p.work.Route(ctx, r)
	}
	return nil, errNoRoute
}
