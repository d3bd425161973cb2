package device_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// laggingStore answers reads as replicas do that are some writes behind.
type laggingStore struct {
	device.Memory

	mu     sync.Mutex
	random *rand.Rand
	states []map[string]device.Entry // after each write
}

// maxLag is how many writes a read may lag behind.
const maxLag = 6

func (s *laggingStore) Read(_ context.Context, keys []string) ([]device.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var state map[string]device.Entry
	if n := len(s.states); n > 0 {
		state = s.states[n-1-s.random.IntN(min(n, maxLag))]
	}
	entries := make([]device.Entry, len(keys))
	for i, key := range keys {
		entries[i] = state[key]
	}
	return entries, nil
}

func (s *laggingStore) Write(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	revision, err := s.Memory.Write(ctx, key, value, revision)
	if err == nil {
		state := map[string]device.Entry{}
		if n := len(s.states); n > 0 {
			state = maps.Clone(s.states[n-1])
		}
		state[key] = device.Entry{Value: value, Revision: revision}
		s.states = append(s.states, state)
	}
	return revision, err
}

// TestTokenIsOneUsersThoughReadsLag lets users register few tokens while every
// read may be old. Registrations may fail, but no token is two users', and what
// was registered last, with nobody else at it, is there.
func TestTokenIsOneUsersThoughReadsLag(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			store := &laggingStore{random: rand.New(rand.NewPCG(seed, 0))}
			var wg sync.WaitGroup
			for user := range push.Uid(3) {
				d := device.New(store, device.Options{})
				wg.Go(func() {
					for i := range 6 {
						_ = registers(user+1, strconv.Itoa(i%2), fmt.Sprint("x", (i+int(user))%2))(t.Context(), d)
						time.Sleep(time.Millisecond)
					}
				})
			}
			wg.Wait()
			wantSound(t, &store.Memory)
			if err := registers(dora, "next", "x0")(t.Context(), device.New(store, device.Options{})); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			if got := holdersOf(t, &store.Memory, "x0"); len(got) != 1 || got[0] != dora {
				t.Errorf("seed %d: token x0 is of %v", seed, got)
			}
			wantSound(t, &store.Memory)
		})
	}
}
