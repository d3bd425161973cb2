package devices

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// places are in how many places [Sample] looks into a large bucket. For each request the
// broker counts what comes after, some 0.2 s of its time with a million devices.
const places = 4

// Sample returns the devices of some users: of all, where there are at most so many, and
// else of up to twice as many, from four places of the bucket, with those among them that
// were changed longest ago and last. Lists that cannot be read are left out.
func Sample(ctx context.Context, c *broker.Conn, users int) (found []push.Device, all bool, err error) {
	s := storeOf(c)
	found, more, err := s.next(ctx, 1, users)
	if err != nil || !more {
		return found, true, err
	}
	info, err := c.StreamInfo(ctx, wire.DevicesStream)
	if err != nil {
		return nil, false, fmt.Errorf("looking at bucket %s: %w", wire.DevicesBucket, err)
	}
	first, end := info.State.FirstSeq, info.State.LastSeq+1
	each := max(1, users/places)
	stretch := min(2*uint64(each), end-first) // a device is two messages: a list and a claim
	seen := usersOf(found)
	for i := range uint64(places) {
		some, _, err := s.next(ctx, first+(end-first-stretch)*i/(places-1), each)
		if err != nil {
			return nil, false, err
		}
		some = slices.DeleteFunc(some, func(d push.Device) bool { return seen[d.User] })
		maps.Copy(seen, usersOf(some))
		found = append(found, some...)
	}
	return found, false, nil
}

func usersOf(devices []push.Device) map[push.Uid]bool {
	users := make(map[push.Uid]bool)
	for _, d := range devices {
		users[d.User] = true
	}
	return users
}

// next returns the devices of the next users from a sequence on, and whether there are
// more.
func (s *store) next(ctx context.Context, from uint64, users int) (found []push.Device, more bool, err error) {
	answers, err := s.Ask(ctx, broker.Query{
		Seq: max(1, from), Subject: s.Subject(device.UserPrefix + ">"), Batch: users, MaxBytes: broker.MaxAnswer,
	})
	more = errors.Is(err, broker.ErrAnswerCut)
	if err != nil && !more {
		return nil, false, err
	}
	for _, a := range answers {
		if list, err := device.In(a); err == nil {
			found = append(found, list...)
		}
	}
	return found, more, nil
}
