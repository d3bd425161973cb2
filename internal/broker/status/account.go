package status

import (
	"context"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// Skew is how a broker's clock stands to ours.
type Skew struct {
	// Ahead is how far the broker's clock is ahead of ours, at most Within off.
	Ahead, Within time.Duration
}

// SkewOf asks the broker for the time, by way of a stream of t.
func SkewOf(ctx context.Context, c *broker.Conn, t topology.Topology) (Skew, error) {
	asked := time.Now()
	info, err := c.StreamInfo(ctx, t.Stream)
	if err != nil {
		return Skew{}, fmt.Errorf("asking the broker for the time: %w%s", err, topology.MissingRemedy(err))
	}
	took := time.Since(asked)
	return Skew{Ahead: info.TimeStamp.Sub(asked.Add(took / 2)), Within: took / 2}, nil
}

// Room is how much of what may be stored is stored.
type Room struct {
	// Of says what it is the room of: "stream PUSH", "the account".
	Of string
	// Bytes are used of Limit.
	Bytes, Limit uint64
}

// Rooms asks for the bytes used and allowed by the streams of t, and by the whole
// account if the user may ask after that. What has no limit is left out.
func Rooms(ctx context.Context, c *broker.Conn, t topology.Topology) ([]Room, error) {
	var rooms []Room
	for _, want := range t.Streams() {
		info, err := c.StreamInfo(ctx, want.Config.Name)
		if err != nil {
			return rooms, fmt.Errorf("asking for the size of stream %s: %w%s", want.Config.Name, err, topology.MissingRemedy(err))
		}
		if info.Config.MaxBytes > 0 {
			rooms = append(rooms, Room{"stream " + want.Config.Name, info.State.Bytes, uint64(info.Config.MaxBytes)})
		}
	}
	err := c.Ask(ctx, "$JS.API.INFO", func(ctx context.Context) error {
		account, err := c.JetStream().AccountInfo(ctx)
		if err == nil && account.Limits.MaxStore > 0 {
			rooms = append(rooms, Room{"the account", account.Store, uint64(account.Limits.MaxStore)})
		}
		return err
	})
	if err != nil {
		return rooms, fmt.Errorf("asking for the limits of the account: %w", err)
	}
	return rooms, nil
}
