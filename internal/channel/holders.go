package channel

import (
	"context"
	"maps"
	"slices"

	"github.com/pushworker/pushworker/pkg/push"
)

// addHolders adds the users who have the tokens now that others are to leave with: what
// those are unsubscribed from, the holders are to be subscribed to again.
func (r *round) addHolders(ctx context.Context) error {
	fresh := slices.Collect(maps.Values(r.states))
	for len(fresh) > 0 {
		more, err := r.holders(ctx, fresh)
		if err != nil {
			return err
		}
		if err := r.read(ctx, more); err != nil {
			return err
		}
		fresh = fresh[:0]
		for user := range more {
			fresh = append(fresh, r.states[user])
		}
	}
	return nil
}

// holders are the users who have what those of states are to leave with, and who are not in
// the round. That somebody holds a token who does not have it is doubtful.
func (r *round) holders(ctx context.Context, states []*state) (map[push.Uid]waiting, error) {
	claims, ok := r.Devices.(Claims)
	if !ok {
		return r.recorded(states), nil
	}
	var moved []push.Device
	for _, s := range states {
		for _, token := range s.leaving() {
			moved = append(moved, push.Device{User: s.user, Provider: r.Channels.Provider, Token: token})
		}
	}
	holders, err := claims.Holders(ctx, moved)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	more := make(map[push.Uid]waiting)
	for i, user := range holders {
		_, known := r.states[user]
		switch {
		case user == moved[i].User:
			r.states[user].doubt()
		case user != 0 && !known:
			more[user] = waiting{}
		}
	}
	return more, nil
}

// recorded is holders by what the records say.
func (r *round) recorded(states []*state) map[push.Uid]waiting {
	more := make(map[push.Uid]waiting)
	for _, s := range states {
		for _, token := range s.leaving() {
			for _, user := range r.holding.others(s.user, token) {
				if _, known := r.states[user]; !known {
					more[user] = waiting{}
				}
			}
		}
	}
	return more
}

// disown has nobody rely on the subscriptions of tokens that another user is to leave with.
// Whoever is to leave with what a user relies on who is skipped waits for that user.
func (r *round) disown() {
	for r.awaitSkipped() {
	}
	moving := make(map[string]bool)
	for _, s := range r.states {
		for _, token := range s.leaving() {
			moving[token] = !s.skip || moving[token]
		}
	}
	for _, s := range r.states {
		s.record.Has = s.record.Has.without(moving)
	}
}

// awaitSkipped skips who is to leave with what one who is skipped relies on, and reports
// whether there was any.
func (r *round) awaitSkipped() (more bool) {
	relied := make(map[string]bool)
	for _, s := range r.states {
		for _, token := range s.record.Has.Tokens {
			relied[token] = relied[token] || s.skip
		}
	}
	for _, s := range r.states {
		if !s.skip && slices.ContainsFunc(s.leaving(), func(token string) bool { return relied[token] }) {
			s.left, s.skip, more = true, true, true
		}
	}
	return more
}
