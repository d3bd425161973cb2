package topology

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
)

// Wanted is a stream or a bucket that shall be there.
type Wanted struct {
	// Object is what people are told that it is.
	Object string
	Config jetstream.StreamConfig
	// ReliesOn are the settings that matter, nil for all that this package knows. The
	// others are the operator's.
	ReliesOn []string
	// Bounded forbids a limit in bytes that would evict what is stored.
	Bounded bool
	// Otherwise is what to do when the broker cannot change a setting.
	Otherwise string
}

// Bucket is a bucket as a KV client would make it. Its limits are the operator's.
func Bucket(name, description string, replicas int) Wanted {
	return Wanted{
		Object: "bucket " + name,
		Config: jetstream.StreamConfig{
			Name: "KV_" + name, Description: description, Subjects: []string{"$KV." + name + ".>"},
			Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
			MaxBytes: -1, MaxMsgs: -1, MaxMsgsPerSubject: 1, MaxConsumers: -1, MaxMsgSize: -1,
			Replicas: replicas, Duplicates: freshWindow, AllowRollup: true, DenyDelete: true, AllowDirect: true,
		},
		ReliesOn: []string{
			"retention", "storage", "sealed", "subjects", "max_age", "max_msgs_per_subject", "replicas", "no_ack", "allow_direct", "allow_msg_ttl",
		},
	}
}

// settings are those that are compared with what there is.
func (w Wanted) settings() []setting[jetstream.StreamConfig] {
	return slices.DeleteFunc(streamSettings(w.Config), func(s setting[jetstream.StreamConfig]) bool {
		return w.ReliesOn != nil && !slices.Contains(w.ReliesOn, s.field)
	})
}

// Provision creates the stream if it is missing, updates in place what differs and may
// be updated, and returns every difference it found.
func (w Wanted) Provision(ctx context.Context, c *broker.Conn) ([]Difference, error) {
	name := w.Config.Name
	info, err := c.StreamInfo(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = c.Ask(ctx, "$JS.API.STREAM.CREATE."+name, func(ctx context.Context) error {
			_, err := c.JetStream().CreateStream(ctx, w.Config)
			return err
		})
		if err == nil {
			return []Difference{{Object: w.Object, Have: "none", Want: w.Config.Description, Updated: true}}, nil
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			info, err = c.StreamInfo(ctx, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("provisioning %s: %w%s", w.Object, err, remedy(ctx, c, w.Config, err))
	}
	return w.update(ctx, c, info)
}

// update writes what differs and may be updated.
func (w Wanted) update(ctx context.Context, c *broker.Conn, info *jetstream.StreamInfo) ([]Difference, error) {
	have := info.Config
	evicts := func(field string) bool {
		return w.Bounded && field == "max_bytes" && info.State.Bytes > uint64(max(0, w.Config.MaxBytes))
	}
	diffs, err := update(w.Object, w.settings(), &have, &w.Config, evicts)
	if err != nil {
		return unmended(diffs), fmt.Errorf("%w: %s", err, w.Otherwise)
	}
	if !anyMended(diffs) {
		return diffs, nil
	}
	err = c.Ask(ctx, "$JS.API.STREAM.UPDATE."+w.Config.Name, func(ctx context.Context) error {
		_, err := c.JetStream().UpdateStream(ctx, have)
		return err
	})
	if err != nil {
		return unmended(diffs), fmt.Errorf("updating %s: %w%s", w.Object, err, remedy(ctx, c, w.Config, err))
	}
	return diffs, nil
}

// Inspect looks at the stream and changes nothing.
func (w Wanted) Inspect(ctx context.Context, c *broker.Conn) Object {
	o := Object{Name: w.Object}
	info, err := c.StreamInfo(ctx, w.Config.Name)
	if err != nil {
		o.Err = fmt.Errorf("%w%s", err, MissingRemedy(err))
		return o
	}
	have := info.Config
	o.judge(update(o.Name, w.settings(), &have, &w.Config, nil))
	return o
}
