package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ProvisionDevices creates the bucket of the device directory if it is missing,
// with so many replicas, updates in place what may be updated, and returns every
// difference it found, as [Conn.Provision] does for the streams. Limits of the
// bucket in bytes are the operator's and are left alone.
func (c *Conn) ProvisionDevices(ctx context.Context, replicas int) ([]Difference, error) {
	diffs, err := c.provisionBucket(ctx, replicas)
	if err != nil {
		return diffs, err
	}
	if err := c.provisionMask(ctx); err != nil {
		return diffs, fmt.Errorf("provisioning bucket %s: %w", devicesBucket, err)
	}
	return diffs, nil
}

func (c *Conn) provisionBucket(ctx context.Context, replicas int) ([]Difference, error) {
	return c.provisionStream(ctx, wantedStream{
		object: "bucket " + devicesBucket, config: devicesConfig(replicas), settings: devicesSettings(),
		otherwise: "copy it with `pushworker device export`, remove it with `nats kv del " + devicesBucket + "`, and start again",
	})
}

// provisionMask makes the mask of the bucket if it is missing. A bucket that has
// just been made answers no questions until all servers of a cluster know of it.
func (c *Conn) provisionMask(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	look := time.NewTicker(restAfterTrouble)
	defer look.Stop()
	for {
		_, err := (&deviceStore{conn: c}).mask(ctx)
		if !errors.Is(err, ErrNoBucket) {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return err
		}
	}
}

// devicesConfig is what a KV client would make, and a time to live for markers.
func devicesConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: devicesStream, Description: "devices of users and whose their tokens are; keys user.<uid> and token.<hash>",
		Subjects: []string{devicesPrefix + ">"}, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: -1, MaxMsgs: -1, MaxMsgsPerSubject: 1, MaxConsumers: -1, MaxMsgSize: -1,
		Replicas: replicas, Duplicates: 2 * time.Minute,
		AllowRollup: true, DenyDelete: true, AllowDirect: true, AllowMsgTTL: true,
	}
}

// devicesSettings are those of streamSettings that the directory relies on.
func devicesSettings() []setting[jetstream.StreamConfig] {
	type C = jetstream.StreamConfig
	settings := reliedOn("retention", "storage", "sealed", "subjects", "max_age", "max_msgs_per_subject", "replicas", "no_ack", "allow_direct")
	return append(settings, setting[C]{
		"allow_msg_ttl", func(c *C) string { return strconv.FormatBool(c.AllowMsgTTL) }, func(h, w *C) { h.AllowMsgTTL = w.AllowMsgTTL },
	})
}
