package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	// MemberPrefix begins the keys of users' channels.
	MemberPrefix  = "member."
	appliedPrefix = "applied."

	// maxAttempts is how often a change is begun anew after another one of the same user.
	maxAttempts = 32
	maxPause    = 128 * time.Millisecond
)

// Members are who is in which channel.
type Members struct{ Store device.Store }

// Membership is a user in a channel.
type Membership struct {
	User    push.Uid `json:"user"`
	Channel string   `json:"channel"`
}

// Put has a user join a channel. The error is a [*device.InvalidError] if r is at fault.
func (m Members) Put(ctx context.Context, r Request) error {
	_, err := m.change(ctx, r, func(have []string) ([]string, error) {
		at, is := slices.BinarySearch(have, r.Channel)
		switch {
		case is:
			return have, nil
		case len(have) >= MaxPerUser:
			return nil, &device.InvalidError{Err: fmt.Errorf("the user is in %d channels, the maximum: let the user leave one first", MaxPerUser)}
		}
		return slices.Insert(slices.Clone(have), at, r.Channel), nil
	})
	return err
}

// Remove has a user leave a channel, and reports whether the user was in it.
func (m Members) Remove(ctx context.Context, r Request) (was bool, err error) {
	return m.change(ctx, r, func(have []string) ([]string, error) {
		return slices.DeleteFunc(slices.Clone(have), func(c string) bool { return c == r.Channel }), nil
	})
}

// Forget has a user leave all channels, and returns how many there were.
func (m Members) Forget(ctx context.Context, user push.Uid) (n int, err error) {
	_, err = m.attempt(ctx, user, func(have []string) ([]string, error) {
		n = len(have)
		return nil, nil
	})
	return n, err
}

func (m Members) change(ctx context.Context, r Request, next func([]string) ([]string, error)) (changed bool, err error) {
	if err := r.Validate(); err != nil {
		return false, err
	}
	return m.attempt(ctx, r.User, next)
}

// attempt changes a user's channels until it meets no other change.
func (m Members) attempt(ctx context.Context, user push.Uid, change func([]string) ([]string, error)) (changed bool, err error) {
	for n := range maxAttempts {
		if n > 0 && sleep.For(ctx, rand.N(min(time.Millisecond<<min(n, 10), maxPause))) != nil { //nolint:gosec // a jitter needs no secrecy
			return false, context.Cause(ctx)
		}
		if changed, err = m.try(ctx, user, change); !errors.Is(err, device.ErrConflict) {
			return changed, err
		}
	}
	return false, device.ErrBusy
}

func (m Members) try(ctx context.Context, user push.Uid, change func([]string) ([]string, error)) (changed bool, err error) {
	key := memberKey(user)
	read, err := m.Store.Read(ctx, []string{key})
	if err != nil {
		return false, fmt.Errorf("reading the channels of user %s: %w", user, err)
	}
	have, err := readMember(key, read[0].Value)
	if err != nil {
		return false, err
	}
	next, err := change(have)
	if err != nil || slices.Equal(have, next) {
		return false, err
	}
	var value []byte
	if len(next) > 0 {
		if value, err = json.Marshal(next); err != nil {
			return false, fmt.Errorf("encoding the channels of user %s: %w", user, err)
		}
	}
	if _, err = m.Store.Write(ctx, key, value, read[0].Revision); err != nil {
		return false, fmt.Errorf("writing the channels of user %s: %w", user, err)
	}
	return true, nil
}

// List returns the channels of a user, in the order of their names.
func (m Members) List(ctx context.Context, user push.Uid) ([]string, error) {
	read, err := m.Store.Read(ctx, []string{memberKey(user)})
	if err != nil {
		return nil, fmt.Errorf("reading the channels of user %s: %w", user, err)
	}
	return readMember(memberKey(user), read[0].Value)
}

// All yields every membership, user by user, and stops after an error of the store. An
// error comes with no channel.
func (m Members) All(ctx context.Context) iter.Seq2[Membership, error] {
	return func(yield func(Membership, error) bool) {
		for e, err := range m.Store.Scan(ctx, MemberPrefix) {
			channels, unreadable := readMember(e.Key, e.Value)
			if err = errors.Join(err, unreadable); err != nil {
				channels = []string{""}
			}
			for _, c := range channels {
				if !yield(Membership{userOf(e.Key), c}, err) {
					return
				}
			}
		}
	}
}

// MemberOf returns whose channels are under key, or 0 if it is not the key of any.
func MemberOf(key string) push.Uid {
	if !strings.HasPrefix(key, MemberPrefix) {
		return 0
	}
	return userOf(key)
}

func memberKey(user push.Uid) string { return MemberPrefix + user.String() }

// userOf is the user at the end of a key; 0 if there is none.
func userOf(key string) (user push.Uid) {
	text := key[strings.LastIndexByte(key, '.')+1:]
	if user.UnmarshalText([]byte(text)) != nil || user.String() != text {
		return 0
	}
	return user
}

// readMember reads a user's channels. What is none was not written by [Members].
func readMember(key string, value []byte) (channels []string, err error) {
	if value == nil {
		return nil, nil
	}
	if err = json.Unmarshal(value, &channels); err != nil {
		user := userOf(key)
		return nil, &push.UnreadableError{Users: []push.Uid{user}, Err: fmt.Errorf(
			"the record of the channels of user %s is damaged: remove it with `nats kv del push-channels %s`, and have the user join them again", user.UserId(), key)}
	}
	return channels, nil
}
