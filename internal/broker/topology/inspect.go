package topology

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pushworker/pushworker/internal/broker"
)

// Object is one of the broker's objects that a worker needs.
type Object struct {
	// Name is, for example, "stream PUSH" or "durable fcm of stream PUSH".
	Name string
	// Differences are how it is other than it should be.
	Differences []Difference
	// Err says that it is missing, that it may not be asked after, or that a
	// difference costs receipts; and what to do.
	Err error
}

// Inspect looks at every stream and durable of t and changes nothing. It asks for
// STREAM.INFO and CONSUMER.INFO.
func Inspect(ctx context.Context, c *broker.Conn, t Topology) ([]Object, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	if err := CheckShards(ctx, c, t); err != nil {
		return nil, err
	}
	var objects []Object
	for _, want := range t.Streams() {
		objects = append(objects, want.Inspect(ctx, c))
	}
	for _, h := range t.Handlers {
		for _, want := range t.Durables(h) {
			objects = append(objects, inspectDurable(ctx, c, want))
		}
	}
	return objects, nil
}

// InspectPositions looks at the bucket of positions, without which lanes work, and
// changes nothing.
func InspectPositions(ctx context.Context, c *broker.Conn, t Topology) Object {
	return t.positionBucket().Inspect(ctx, c)
}

// Bind checks the streams and durables that the lanes need and changes nothing.
// Something that is missing, or that would cost receipts, is an error that says
// what to do; other differences are returned.
func Bind(ctx context.Context, c *broker.Conn, t Topology) ([]Difference, error) {
	objects, err := Inspect(ctx, c, t)
	errs := []error{err}
	var diffs []Difference
	for _, o := range objects {
		diffs = append(diffs, o.Differences...)
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("binding to %s: %w", o.Name, o.Err))
		}
	}
	return diffs, errors.Join(errs...)
}

// MissingStreams says which streams of t are gone, and why that is bad; nil when
// all are there. Not being allowed to look is an error, too.
func MissingStreams(ctx context.Context, c *broker.Conn, t Topology) error {
	var errs []error
	for _, want := range t.Streams() {
		if _, err := c.StreamInfo(ctx, want.Config.Name); err != nil {
			errs = append(errs, fmt.Errorf("looking at %s: %w%s", want.Object, err, MissingRemedy(err)))
		}
	}
	return errors.Join(errs...)
}

func inspectDurable(ctx context.Context, c *broker.Conn, want Durable) Object {
	o := Object{Name: want.String()}
	info, err := c.ConsumerInfo(ctx, want.Stream, want.Config.Durable)
	if err != nil {
		o.Err = fmt.Errorf("%w%s", err, want.Remedy(err))
		return o
	}
	have := info.Config
	o.judge(update(o.Name, durableSettings(), &have, &want.Config, nil))
	return o
}

// judge takes what an update would have changed, and says what must not stay.
func (o *Object) judge(diffs []Difference, unmendable error) {
	o.Differences = unmended(diffs)
	var errs []error
	for _, err := range Split(unmendable) {
		errs = append(errs, fmt.Errorf("%w: remove it with the nats CLI if nothing in it is needed, and run `pushworker provision`, which makes it again; or use another PUSHWORKER_STREAM or name of the handler", err))
	}
	for _, d := range o.Differences {
		if harm := harm(d.Field); harm != "" {
			errs = append(errs, fmt.Errorf("%s is %s, not %s: %s. Run `pushworker provision` as a user who may update it, or change it with `nats stream edit` or `nats consumer edit`", d.Field, d.Have, d.Want, harm))
		}
	}
	o.Err = errors.Join(errs...)
}

// Split takes a joined error apart.
func Split(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	text := make([]string, 0, len(joined.Unwrap()))
	for _, one := range joined.Unwrap() {
		text = append(text, one.Error())
		all = append(all, Split(one)...)
	}
	if err.Error() != strings.Join(text, "\n") { // it says more than its parts
		return []error{err}
	}
	return all
}
