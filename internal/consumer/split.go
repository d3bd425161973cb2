package consumer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// growth is how much more than a fresh receipt a retry may measure.
const growth = 2

// grown are the limits of retries.
func grown(l push.Limits) push.Limits {
	def := push.DefaultLimits()
	l.MaxBytes = growth * cmp.Or(l.MaxBytes, def.MaxBytes)
	l.MaxRecipients = growth * cmp.Or(l.MaxRecipients, def.MaxRecipients)
	return l
}

// errGrown says that a retry is beyond the limits of what a lane reads.
var errGrown = fmt.Errorf("receipt and the devices that are done with it are %w", ErrTooLarge)

// storeRetry stores r, in parts by recipients if it is too large in one. When the lane
// stops it stores one last time, beyond the limit of retries if need be. Parts are
// stored before the message is acknowledged, all of them, as a retry is.
func (d *delivery) storeRetry(r Retry) error {
	if !d.lane.reads(r.Data) {
		return d.storeHalves(r, errGrown)
	}
	err := d.keep(&d.lane.retries, r.store(d.lane.scheduler))
	if err != nil && !errors.Is(err, ErrTooLarge) {
		r.Last = true
		err = d.lane.storeOnce(&d.lane.retries, r.store(d.lane.scheduler))
	}
	if errors.Is(err, ErrTooLarge) {
		return d.storeHalves(r, err)
	}
	return err
}

// reads reports whether the lane will be able to read what it stores.
func (l *Lane) reads(data []byte) bool {
	const least = 3 // bytes that the id of a device takes
	limits := grown(l.limits)
	if len(data) <= limits.MaxBytes && len(data) < least*limits.MaxRecipients {
		return true
	}
	_, bad, err := push.Decode(data, limits)
	return err == nil && len(bad) == 0
}

// storeHalves stores each half of r's recipients. It returns refusal when r has one
// recipient only and is no part of another.
func (d *delivery) storeHalves(r Retry, refusal error) error {
	whole, _, err := push.Decode(r.Data, push.NoLimits())
	if err != nil || targets(whole.To, whole.Channel) < 2 {
		return d.buryPart(r, refusal)
	}
	for _, half := range halves(whole) {
		part := r
		if part.Data, err = push.Narrow(r.Data, half.To, half.Channel); err != nil {
			return d.buryPart(r, refusal)
		}
		sum := sha256.Sum256(part.Data)
		part.Part, part.Origin.Narrowed = hex.EncodeToString(sum[:8]), true
		if err := d.storeRetry(part); err != nil {
			return err
		}
	}
	return nil
}

// halves splits the targets of r, of which there are two at least.
func halves(r *push.Receipt) [2]push.Receipt {
	users := slices.Sorted(maps.Keys(r.To))
	first, second := push.Receipt{Channel: r.Channel}, push.Receipt{To: map[push.Uid]push.Recipient{}}
	if len(users) > 1 {
		first.To = map[push.Uid]push.Recipient{}
	}
	for i, user := range users {
		if i < len(users)/2 {
			first.To[user] = r.To[user]
		} else {
			second.To[user] = r.To[user]
		}
	}
	return [2]push.Receipt{first, second}
}

// buryPart writes a letter for a part that the broker will never store, while the
// others go on.
func (d *delivery) buryPart(r Retry, refusal error) error {
	if r.Part == "" {
		return refusal
	}
	why := fmt.Errorf("%s; it cannot be stored to be tried again: %w", r.Error, refusal)
	letter := d.letter(retry.Oversize, why, r.Origin.Attempts)
	letter.ID += ":" + r.Part
	letter.Data, letter.Narrowed = r.Data, true
	if err := d.write(letter); err != nil {
		return err
	}
	d.lane.metrics.letters[retry.Oversize].Inc()
	d.logLine(tooLargeLine, why)
	return nil
}
