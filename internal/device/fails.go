package device

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

var _ push.Failer = (*Directory)(nil)

// Fails implements [push.Failer].
func (d *Directory) Fails(ctx context.Context, dev push.Device, is push.Failing) error {
	if dev.User.IsZero() {
		return nil
	}
	is.Since = is.Since.UTC().Truncate(time.Second)
	err := attempt(ctx, func() error {
		read, err := d.store.Read(ctx, []string{userKey(dev.User)})
		if err != nil {
			return err
		}
		have, err := readList(dev.User, read[0].Value)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(have, func(have push.Device) bool { return sameToken(have, dev) })
		if i < 0 || have[i].More().Failing.Why == is.Why {
			return nil
		}
		next := slices.Clone(have)
		next[i] = failing(next[i], is)
		return d.write(ctx, dev.User, read[0].Revision, next, nil)
	})
	if err != nil {
		return fmt.Errorf("noting that %s fails, or that it does not: %w", dev, err)
	}
	return nil
}

// failing is d as one that fails.
func failing(d push.Device, is push.Failing) push.Device {
	extra := d.More()
	if extra.Failing = is; is.Why == "" {
		extra.Failing = push.Failing{}
	}
	d.Extra = nil
	if extra != (push.Extra{}) {
		d.Extra = &extra
	}
	return d
}

// recovered reports whether d was to leave because of a failure that is over.
func recovered(d, have push.Device, reason string) bool {
	was := d.More().Failing
	is := have.More().Failing
	return was.Why != "" && was.Why == reason && (is.Why != was.Why || is.Since.Unix() != was.Since.Unix())
}
