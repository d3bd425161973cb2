package broker

import (
	"context"
	"fmt"
	"time"
)

// Skew is how a broker's clock stands to ours.
type Skew struct {
	// Ahead is how far the broker's clock is ahead of ours, at most Within off.
	Ahead, Within time.Duration
}

// SkewOf asks the broker for the time, by way of a stream of t.
func (c *Conn) SkewOf(ctx context.Context, t Topology) (Skew, error) {
	asked := time.Now()
	info, err := c.streamInfo(ctx, t.Stream)
	if err != nil {
		return Skew{}, fmt.Errorf("asking the broker for the time: %w%s", err, missingRemedy(err))
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

// MaxPayload is how many bytes a message may have, headers included.
func (c *Conn) MaxPayload() int64 { return c.nc.MaxPayload() }

// Rooms asks for the bytes used and allowed by the streams of t, and by the whole
// account if the user may ask after that. What has no limit is left out.
func (c *Conn) Rooms(ctx context.Context, t Topology) ([]Room, error) {
	var rooms []Room
	for _, want := range t.streams() {
		info, err := c.streamInfo(ctx, want.Name)
		if err != nil {
			return rooms, fmt.Errorf("asking for the size of stream %s: %w%s", want.Name, err, missingRemedy(err))
		}
		if info.Config.MaxBytes > 0 {
			rooms = append(rooms, Room{"stream " + want.Name, info.State.Bytes, uint64(info.Config.MaxBytes)})
		}
	}
	err := c.request(ctx, "$JS.API.INFO", func(ctx context.Context) error {
		account, err := c.js.AccountInfo(ctx)
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

// InspectDevices looks at the bucket of the device directory, and changes nothing.
func (c *Conn) InspectDevices(ctx context.Context, replicas int) Object {
	want := devicesConfig(replicas)
	o := Object{Name: "bucket " + devicesBucket}
	info, err := c.streamInfo(ctx, want.Name)
	if err != nil {
		o.Err = fmt.Errorf("%w%s", err, missingRemedy(err))
		return o
	}
	have := info.Config
	o.judge(mend(o.Name, devicesSettings(), &have, &want, nil))
	return o
}
