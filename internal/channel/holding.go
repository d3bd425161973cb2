package channel

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/pushworker/pushworker/pkg/push"
)

// holding is which users the records have the tokens of. A keeper needs it where the
// directory cannot be asked whose a token is: a chat server answers for users only. Two
// tokens with the same hash make a round larger, and do no harm.
type holding struct {
	seed  maphash.Seed
	mu    sync.Mutex
	first map[uint64]push.Uid
	more  map[uint64][]push.Uid // rarely any: a token that has moved
}

func newHolding() *holding {
	return &holding{seed: maphash.MakeSeed(), first: make(map[uint64]push.Uid), more: make(map[uint64][]push.Uid)}
}

// others are the users beside user whose records have token.
func (h *holding) others(user push.Uid, token string) (others []push.Uid) {
	hash := maphash.String(h.seed, token)
	h.mu.Lock()
	defer h.mu.Unlock()
	if first := h.first[hash]; first != 0 && first != user {
		others = append(others, first)
	}
	return append(others, slices.DeleteFunc(slices.Clone(h.more[hash]), func(u push.Uid) bool { return u == user })...)
}

// replace is told that user's record has other tokens than before.
func (h *holding) replace(user push.Uid, before, after []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, token := range before {
		h.drop(user, maphash.String(h.seed, token))
	}
	for _, token := range after {
		h.add(user, maphash.String(h.seed, token))
	}
}

func (h *holding) add(user push.Uid, hash uint64) {
	switch first := h.first[hash]; {
	case first == 0:
		h.first[hash] = user
	case first != user && !slices.Contains(h.more[hash], user):
		h.more[hash] = append(h.more[hash], user)
	}
}

func (h *holding) drop(user push.Uid, hash uint64) {
	more := slices.DeleteFunc(h.more[hash], func(u push.Uid) bool { return u == user })
	if h.first[hash] == user {
		delete(h.first, hash)
		if len(more) > 0 {
			h.first[hash], more = more[0], more[1:]
		}
	}
	if h.more[hash] = more; len(more) == 0 {
		delete(h.more, hash)
	}
}

// readHolding reads all records.
func (k *Keeper) readHolding(ctx context.Context) (*holding, error) {
	h := newHolding()
	for e, err := range k.Store.Scan(ctx, appliedKeys(k.Handler)) {
		if err != nil {
			return nil, fmt.Errorf("reading what was subscribed: %w", err)
		}
		if r, err := readRecord(e.Key, e.Value); err == nil { // a damaged one is told in its user's round
			h.replace(userOf(e.Key), nil, r.May.Tokens)
		}
	}
	return h, nil
}
