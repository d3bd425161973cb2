// Package channels is who is in which channel, in the bucket push-channels: the service
// that answers push.channels.*, and the lease by which one process at a time keeps a
// handler's subscriptions. It refuses to know what a subscription is (internal/channel) and
// how a provider is asked. What is lost at its border: who held a lease before.
package channels

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/bucket"
	"github.com/pushworker/pushworker/internal/broker/requests"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/device"
)

// ErrNoBucket says that there is no bucket of channels.
var ErrNoBucket = errors.New("there is no bucket " + wire.ChannelsBucket + ": the first `pushworker run` of this version makes it, " +
	"with PUSHWORKER_PROVISION=true and a user who may create streams")

// Directory is who is in which channel.
type Directory struct {
	channel.Members

	bucket bucket.Bucket
	log    zerolog.Logger
}

// Open opens the bucket. Without one the error wraps [ErrNoBucket].
func Open(ctx context.Context, c *broker.Conn, log zerolog.Logger) (*Directory, error) {
	b := bucketOf(c)
	_, err := c.StreamInfo(ctx, b.Stream())
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, ErrNoBucket
	case err != nil:
		return nil, fmt.Errorf("looking at bucket %s: %w", b.Name, err)
	}
	return &Directory{Members: channel.Members{Store: b}, bucket: b, log: log}, nil
}

func bucketOf(c *broker.Conn) bucket.Bucket {
	return bucket.Bucket{Conn: c, Name: wire.ChannelsBucket, Missing: ErrNoBucket}
}

// Provision creates the bucket if it is missing, with so many replicas, updates in place
// what may be updated, and returns every difference it found. Its limits in bytes are the
// operator's.
func Provision(ctx context.Context, c *broker.Conn, replicas int) ([]topology.Difference, error) {
	return wanted(replicas).Provision(ctx, c) //nolint:wrapcheck // it says all
}

// Inspect looks at the bucket and changes nothing.
func Inspect(ctx context.Context, c *broker.Conn, replicas int) topology.Object {
	return wanted(replicas).Inspect(ctx, c)
}

// wanted is the wanted bucket, with a time to live for leases and for what marks a deletion.
func wanted(replicas int) topology.Wanted {
	w := topology.Bucket(wire.ChannelsBucket, "users' channels, and what providers have been told of them; keys member.<uid> and applied.<handler>.<uid>", replicas)
	w.Config.AllowMsgTTL = true
	w.Otherwise = "copy it with `pushworker channel ls -o jsonl`, remove it with `nats kv del " + wire.ChannelsBucket + "`, and start again"
	return w
}

// answer is what ls gets.
type answer struct {
	requests.Answer

	Channels []string `json:"channels"`
}

// Run answers requests on push.channels.* until ctx ends; then it returns nil. Each request
// is {"user":…,"channel":…}.
func (d *Directory) Run(ctx context.Context) error {
	return requests.Serve(ctx, d.bucket.Conn, requests.Service{ //nolint:wrapcheck // it says all
		Name: "pushworker-channels", Description: "has users join and leave channels", Prefix: wire.ChannelRequests, Log: d.log,
		Endpoints: map[string]requests.Do{"put": reading(d.put), "rm": reading(d.remove), "ls": reading(d.list)},
	})
}

// reading is do with the request read.
func reading(do func(context.Context, channel.Request) (any, error)) requests.Do {
	return func(ctx context.Context, text []byte) (any, error) {
		r, err := channel.ParseRequest(text)
		if err != nil {
			return nil, &requests.MalformedError{Err: err}
		}
		return do(ctx, r)
	}
}

func (d *Directory) put(ctx context.Context, r channel.Request) (any, error) {
	return requests.Done, d.Put(ctx, r)
}

// remove has the user leave the channel, or all of them if it names none.
func (d *Directory) remove(ctx context.Context, r channel.Request) (any, error) {
	if r.Channel == "" && !r.User.IsZero() {
		_, err := d.Forget(ctx, r.User)
		return requests.Done, err
	}
	_, err := d.Remove(ctx, r)
	return requests.Done, err
}

func (d *Directory) list(ctx context.Context, r channel.Request) (any, error) {
	if r.User.IsZero() {
		return nil, &device.InvalidError{Err: errors.New("user is missing: give usr…, its 11 characters or the decimal number")}
	}
	list, err := d.List(ctx, r.User)
	if list == nil {
		list = []string{} // in JSON no list is null
	}
	return answer{requests.Done, list}, err
}
