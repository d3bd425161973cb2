package devices

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/broker/wire"
)

// ErrLost says that the devices are gone that there must have been.
var ErrLost = errors.New("the devices are lost")

// Lost returns an error that wraps [ErrLost] when the bucket of devices
// is missing, or was emptied, beside a stream that has had receipts. A worker that
// made it anew would settle every receipt as one to nobody.
func Lost(ctx context.Context, c *broker.Conn, t topology.Topology) error {
	_, err := storeOf(c).find(ctx)
	if err == nil || errors.Is(err, errNoMask) {
		return nil
	}
	if !errors.Is(err, ErrNoBucket) {
		return err
	}
	for _, stream := range t.ReceiptStreams() {
		info, err := c.StreamInfo(ctx, stream)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
		case err != nil:
			return fmt.Errorf("looking at stream %s: %w", stream, err)
		case info.State.LastSeq > 0:
			return lost(info)
		}
	}
	return nil
}

func lost(info *jetstream.StreamInfo) error {
	return fmt.Errorf("%w: bucket %s is missing or empty, and stream %s has had %d receipts: restore it with `pushworker device import --create FILE` from an export, "+
		"or begin without devices with `pushworker run --create` (PUSHWORKER_DEVICES_CREATE=true)", ErrLost, wire.DevicesBucket, info.Config.Name, info.State.LastSeq)
}

// Count counts the tokens that are registered. What was removed in the last
// hour counts, too.
func Count(ctx context.Context, c *broker.Conn) (uint64, error) {
	first, err := c.First(ctx, wire.DevicesStream, 1, wire.DevicesPrefix+tokenKeys)
	return first.Count, err
}

// tokenKeys are the keys of the bucket of which each token has one.
const tokenKeys = "token.*"
