package devices

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/bucket"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
)

// store is the bucket, and sees to it that it is always the same.
type store struct {
	bucket.Bucket

	// mine is the mask of the bucket that was opened; nil before.
	mine *device.Mask
}

var _ device.Store = (*store)(nil)

// storeOf is the bucket of devices.
func storeOf(c *broker.Conn) *store {
	return &store{Bucket: bucket.Bucket{Conn: c, Name: wire.DevicesBucket, Missing: ErrNoBucket}}
}

// Read implements [device.Store]. It asks for the mask along with the keys: in a bucket
// that was emptied or made anew everybody would look like a user without devices.
func (s *store) Read(ctx context.Context, keys []string) ([]device.Entry, error) {
	if s.mine == nil {
		return s.Bucket.Read(ctx, keys)
	}
	entries, err := s.Bucket.Read(ctx, append(slices.Clip(keys), maskKey))
	if err != nil {
		return nil, err
	}
	if m, err := parseMask(entries[len(keys)].Value); err != nil || m != *s.mine {
		if err := s.sameBucket(ctx); err != nil {
			return nil, err
		}
	}
	return entries[:len(keys)], nil
}

// sameBucket returns an error if the bucket is not the one that was opened.
func (s *store) sameBucket(ctx context.Context) error {
	mask, err := s.find(ctx)
	switch {
	case errors.Is(err, errBlank):
		return errReplaced
	case errors.Is(err, errNoMask): // an operator has deleted it, so that tokens get other masks
		return nil
	case err == nil && mask != *s.mine:
		return errReplaced
	}
	return err
}

// ErrNoBucket says that the device directory has no bucket, or one without its mask.
var ErrNoBucket = errors.New("there is no bucket " + wire.DevicesBucket + " with devices: on a new installation the first `pushworker run` or " +
	"`pushworker device put` makes it, with PUSHWORKER_PROVISION=true and a user who may create streams; " + restoreDevices)

// restoreDevices is what to do about devices that were lost.
const restoreDevices = "if there were devices, restore them with `pushworker device import --create FILE`, and start the workers again"

// What became of a bucket that was there.
var (
	errEmptied  = fmt.Errorf("%w: bucket %s was emptied", ErrNoBucket, wire.DevicesBucket)
	errNoMask   = errors.New("bucket " + wire.DevicesBucket + " has no mask yet")
	errBlank    = fmt.Errorf("%w: nothing was ever written to it", errNoMask)
	errReplaced = errors.New("bucket " + wire.DevicesBucket + " was deleted and created again: register its devices again, then restart the workers")
)
