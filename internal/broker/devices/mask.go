package devices

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
)

// maskKey is the key of the secret with which tokens are masked.
const maskKey = "install.mask"

// open reads the secret and remembers it, since no two buckets have the same. A
// bucket in which nothing was ever written, or whose secret an operator has deleted,
// gets one.
func (s *store) open(ctx context.Context) (device.Mask, error) {
	mask, err := s.find(ctx)
	if errors.Is(err, errNoMask) {
		mask, err = s.mask(ctx)
	}
	if err == nil {
		s.mine = &mask
	}
	return mask, err
}

// find reads the secret. [errNoMask] says that one may be made.
func (s *store) find(ctx context.Context) (device.Mask, error) {
	read, err := s.Bucket.Read(ctx, []string{maskKey})
	switch {
	case err != nil:
		return device.Mask{}, err
	case read[0].Value != nil:
		return parseMask(read[0].Value)
	case read[0].Revision > 0:
		return device.Mask{}, errNoMask
	}
	info, err := s.Conn.StreamInfo(ctx, wire.DevicesStream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return device.Mask{}, ErrNoBucket
	case err != nil:
		return device.Mask{}, fmt.Errorf("looking at bucket %s: %w", wire.DevicesBucket, err)
	case info.State.LastSeq > 0:
		return device.Mask{}, errEmptied
	}
	return device.Mask{}, errBlank
}

// mask reads the secret, or makes it where there is none yet.
func (s *store) mask(ctx context.Context) (device.Mask, error) {
	for {
		read, err := s.Bucket.Read(ctx, []string{maskKey})
		if err != nil {
			return device.Mask{}, err
		}
		if read[0].Value != nil {
			return parseMask(read[0].Value)
		}
		made := device.NewMask()
		_, err = s.Write(ctx, maskKey, []byte(hex.EncodeToString(made[:])), read[0].Revision)
		if err == nil || !errors.Is(err, device.ErrConflict) {
			return made, err
		}
	}
}

func parseMask(text []byte) (m device.Mask, err error) {
	if n, err := hex.Decode(m[:], text[:min(len(text), hex.EncodedLen(len(m)))]); err != nil || n != len(m) {
		return m, fmt.Errorf("key %s of bucket %s has changed: delete it; tokens then get new hashes", maskKey, wire.DevicesBucket)
	}
	return m, nil
}

// provisionMask makes the mask of the bucket if it is missing. A bucket that has
// just been made answers no questions until all servers of a cluster know of it.
func provisionMask(ctx context.Context, c *broker.Conn) error {
	ctx, stop := context.WithTimeout(ctx, broker.RequestTimeout)
	defer stop()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for {
		_, err := storeOf(c).mask(ctx)
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
