package device

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pushworker/pushworker/pkg/push"
)

// MaxPerUser is how many devices a user may have. One more is refused, or displaces
// the one whose registration is the oldest; see [Options].
const MaxPerUser = 32

var errFull = &InvalidError{fmt.Errorf("the user has %d devices, the maximum: remove an unused one, or set PUSHWORKER_DEVICES_DISPLACE=true to replace the oldest", MaxPerUser)}

// list is a user's devices, oldest registration first. It is never changed in
// place, because caches and callers share it.
type list []push.Device

// stored is a device as the value of a list has it: its user is in the key, and
// encoding/json does not go through the methods of [push.Device].
type stored struct {
	fields
	*push.Extra
}

// fields is a device without methods.
type fields push.Device

// readList reads the value of user's list. What is not a list was not written by a
// [Directory], or by a newer one: the error is a [*push.UnreadableError], and nothing
// may take the list for empty.
func readList(user push.Uid, value []byte) (list, error) {
	if value == nil {
		return nil, nil
	}
	var read []stored
	if err := json.Unmarshal(value, &read); err != nil || read == nil {
		return nil, damaged(user)
	}
	l := make(list, len(read))
	for i, s := range read {
		l[i] = push.Device(s.fields)
		l[i].User, l[i].Extra = user, s.Extra
	}
	return l, nil
}

// damaged is the error about a user's list, which quotes nothing of it.
func damaged(user push.Uid) error {
	return &push.UnreadableError{Users: []push.Uid{user}, Err: fmt.Errorf(
		"the device list of user %[1]s is damaged: remove it with `pushworker device rm --user %[1]s --yes`, then the user's apps can register again",
		user.UserId())}
}

// value is the value of l's key: nil for no devices.
func (l list) value() ([]byte, error) {
	if len(l) == 0 {
		return nil, nil
	}
	write := make([]stored, len(l))
	for i, d := range l {
		write[i] = stored{fields(d), d.Extra}
		write[i].User = 0
	}
	value, err := json.Marshal(write)
	if err != nil {
		return nil, fmt.Errorf("encoding devices: %w", err)
	}
	return value, nil
}

// of returns the devices of l that provider reaches. Nearly always it is all of them,
// and l itself.
func (l list) of(provider string) list {
	foreign := func(d push.Device) bool { return !d.For(provider) }
	if !slices.ContainsFunc(l, foreign) {
		return l
	}
	return slices.DeleteFunc(slices.Clone(l), foreign)
}

// find returns the device with d's token.
func (l list) find(d push.Device) (push.Device, bool) {
	i := slices.IndexFunc(l, func(have push.Device) bool { return sameToken(have, d) })
	if i < 0 {
		return push.Device{}, false
	}
	return l[i], true
}

// removal is a device that leaves a list.
type removal struct {
	push.Device
	// reason is empty when the device stays and only its token goes.
	reason string
}

// with returns l after d has been registered, and what d replaces. It may be too long
// then, see [list.fit]. If d's time is older than that of what it would replace, l is
// returned as it is.
func (l list) with(d push.Device) (next list, gone []removal, in bool) {
	next = make(list, 0, len(l)+1)
	for _, have := range l {
		if sameToken(have, d) && have.More().Activated && !d.More().Activated {
			d = activated(d)
		}
		switch {
		case !sameDevice(have, d) && !sameToken(have, d):
			next = append(next, have)
			continue
		case have.Registered.After(d.Registered):
			return l, nil, false
		case sameDevice(have, d):
			gone = append(gone, removal{Device: have})
		default:
			gone = append(gone, removal{have, ReasonMoved})
		}
	}
	next = append(next, d)
	slices.SortStableFunc(next, func(a, b push.Device) int { return a.Registered.Compare(b.Registered) })
	return next, gone, true
}

// fit returns l without its oldest devices, as many as are too many, and those.
func (l list) fit() (next list, gone []removal) {
	for next = l; len(next) > MaxPerUser; next = next[1:] {
		gone = append(gone, removal{next[0], ReasonDisplaced})
	}
	return next, gone
}

// without returns l without the devices that leave, and those.
func (l list) without(reason string, leaves func(push.Device) bool) (next list, gone []removal) {
	next = make(list, 0, len(l))
	for _, d := range l {
		if leaves(d) {
			gone = append(gone, removal{d, reason})
		} else {
			next = append(next, d)
		}
	}
	return next, gone
}
