package channel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// round brings what the provider has in line with what shall be, for some users.
type round struct {
	*Keeper

	states map[push.Uid]*state
	asked  bool // the provider was
}

// state is how it stands with one user.
type state struct {
	user     push.Uid
	want     product
	devices  []push.Device // those that can be subscribed
	record   record
	revision uint64 // of the record
	tries    int
	// left says that something is left to do, so that the record stays as it is, and
	// skip that nothing is to be done before the next round.
	left, skip bool
}

// settled reports whether the provider has what shall be, and nothing else.
func (s *state) settled() bool { return s.record.Has.equal(s.want) && s.record.May.equal(s.want) }

// leaving are the tokens that the provider may have subscribed, and that the user has no
// more.
func (s *state) leaving() []string {
	return slices.DeleteFunc(slices.Clone(s.record.May.Tokens), func(token string) bool {
		return slices.ContainsFunc(s.devices, func(d push.Device) bool { return d.Token == token })
	})
}

// run does the round. The first error is the provider's, and the second the store's.
func (r *round) run(ctx context.Context, users map[push.Uid]waiting) (provider, err error) {
	if err := r.read(ctx, users); err != nil {
		return nil, err
	}
	if err := r.addHolders(ctx); err != nil {
		return nil, err
	}
	r.disown()
	open := slices.DeleteFunc(slices.Collect(maps.Values(r.states)), func(s *state) bool { return s.skip || s.settled() })
	if len(open) == 0 {
		return nil, nil
	}
	ahead := func(s *state) record { return record{Has: s.record.Has.within(s.want), May: s.record.May.with(s.want)} }
	if err := r.write(ctx, open, ahead); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(open, func(s *state) bool { return s.skip }) { // what others rely on is not known any more
		leaveAll(open)
		return nil, nil
	}
	r.asked = true
	// First what goes: a token that has moved may be in the same channel again.
	if provider = r.ask(ctx, open, false); provider == nil {
		provider = r.ask(ctx, open, true)
	} else {
		leaveAll(open) // they were not subscribed to anything
	}
	done := slices.DeleteFunc(open, func(s *state) bool { return s.left })
	return provider, r.write(ctx, done, func(s *state) record { return record{Has: s.want, May: s.want} })
}

func leaveAll(states []*state) {
	for _, s := range states {
		s.left = true
	}
}

// read reads the states of users. What is older than what was told to be written, or
// cannot be read, is left for later.
func (r *round) read(ctx context.Context, users map[push.Uid]waiting) error {
	all := slices.Collect(maps.Keys(users))
	keys := make([]string, 0, 2*len(all))
	for _, u := range all {
		keys = append(keys, memberKey(u), appliedKey(r.Handler, u))
	}
	read, err := r.Store.Read(ctx, keys)
	if err != nil {
		return fmt.Errorf("reading who is in channels: %w", err)
	}
	lists, err := r.current(ctx, all, users, read)
	if err != nil {
		return err
	}
	for i, user := range all {
		told := users[user]
		s := &state{user: user, tries: told.tries}
		r.states[user] = s
		if read[2*i].Revision < told.members || lists[i].Revision < told.devices {
			s.doubt()
		}
		if err := s.read(r.Keeper, read[2*i:2*i+2], lists[i]); err != nil {
			s.left, s.skip = true, true
			r.limited.Warn().Err(err).Str("handler", r.Handler).Msg("devices of a user cannot be subscribed to channels")
		}
	}
	return nil
}

// current are the devices of users, in their order. Those who are in no channel and have
// no record need none.
func (r *round) current(ctx context.Context, users []push.Uid, told map[push.Uid]waiting, stored []device.Entry) ([]device.Current, error) {
	var asked []push.Uid
	for i, u := range users {
		if stored[2*i].Value != nil || stored[2*i+1].Value != nil {
			asked = append(asked, u)
		}
	}
	var found []device.Current
	if len(asked) > 0 {
		var err error
		if found, err = r.Devices.Current(ctx, asked); err != nil {
			return nil, err //nolint:wrapcheck // it says all
		}
	}
	lists := make([]device.Current, len(users))
	for i, u := range users {
		if len(asked) > 0 && u == asked[0] {
			lists[i], asked, found = found[0], asked[1:], found[1:]
		} else {
			lists[i].Revision = told[u].devices
		}
	}
	return lists, nil
}

// doubt leaves s for later, as what was read is older than what was written: a replica of
// the bucket may lag behind for a moment.
func (s *state) doubt() {
	if s.tries < behind {
		s.left, s.skip = true, true
	}
}

// read makes s of what is stored: the user's channels, the record, the devices.
func (s *state) read(k *Keeper, stored []device.Entry, list device.Current) error {
	channels, err := readMember(memberKey(s.user), stored[0].Value)
	record, damaged := readRecord(appliedKey(k.Handler, s.user), stored[1].Value)
	if err := errors.Join(err, damaged, list.Err); err != nil {
		return err
	}
	s.record, s.revision = record, stored[1].Revision
	var tokens []string
	for _, d := range list.Devices {
		if d.User = s.user; k.Channels.Mine(d) {
			s.devices, tokens = append(s.devices, d), append(tokens, d.Token)
		}
	}
	s.want = productOf(channels, tokens)
	return nil
}

// write writes the records of states. One that another process has written is left for
// later.
func (r *round) write(ctx context.Context, states []*state, next func(*state) record) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writesAtOnce)
	for _, s := range states {
		group.Go(func() error {
			to := next(s)
			value, err := to.value()
			if err != nil {
				return err
			}
			revision, err := r.Store.Write(ctx, appliedKey(r.Handler, s.user), value, s.revision)
			switch {
			case errors.Is(err, device.ErrConflict):
				s.left, s.skip = true, true
				return nil
			case err != nil:
				return fmt.Errorf("recording subscriptions to channels: %w", err)
			}
			if r.holding != nil {
				r.holding.replace(s.user, s.record.May.Tokens, to.May.Tokens)
			}
			s.record, s.revision = to, revision
			return nil
		})
	}
	return group.Wait() //nolint:wrapcheck // it is wrapped above
}

// forget removes a dead token from the directory, unless it was registered after asOf.
func (r *round) forget(ctx context.Context, d push.Device, asOf time.Time, why string) {
	if err := r.Devices.Gone(ctx, d, asOf, why); err != nil {
		r.limited.Warn().Err(err).Str("handler", r.Handler).Msg("a device that has gone cannot be removed; this is tried again")
	}
}
