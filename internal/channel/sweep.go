package channel

import (
	"context"
	"fmt"
	"iter"

	"github.com/pushworker/pushworker/pkg/push"
)

// sweep looks at everybody. Those of whom something was told go first.
func (k *Keeper) sweep(ctx context.Context) error {
	everybody, stop := iter.Pull2(k.everybody(ctx))
	defer stop()
	for ctx.Err() == nil {
		users, err := some(everybody)
		if err == nil && len(users) > 0 {
			err = k.work(ctx, users)
		}
		if err != nil || len(users) == 0 {
			return err
		}
		if _, err := k.serve(ctx); err != nil {
			return err
		}
	}
	return nil
}

// everybody yields each user who is in a channel, or of whom the provider was told
// something, most of them twice.
func (k *Keeper) everybody(ctx context.Context) iter.Seq2[push.Uid, error] {
	return func(yield func(push.Uid, error) bool) {
		_ = k.under(ctx, MemberPrefix, yield) && k.under(ctx, appliedKeys(k.Handler), yield)
	}
}

// under yields the users of the keys with a prefix, and reports whether more are wanted.
func (k *Keeper) under(ctx context.Context, prefix string, yield func(push.Uid, error) bool) bool {
	for e, err := range k.Store.Scan(ctx, prefix) {
		if err != nil {
			err = fmt.Errorf("reading who is in channels: %w", err)
		}
		if !yield(userOf(e.Key), err) || err != nil {
			return false
		}
	}
	return true
}

// some takes the users of a round.
func some(next func() (push.Uid, error, bool)) (users map[push.Uid]waiting, err error) {
	users = make(map[push.Uid]waiting)
	for len(users) < roundUsers {
		user, err, ok := next()
		if !ok || err != nil {
			return users, err
		}
		if user != 0 {
			users[user] = waiting{}
		}
	}
	return users, nil
}
