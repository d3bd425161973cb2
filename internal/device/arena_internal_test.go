package device

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestArena compares an arena with a map, whatever is done to both in whatever order:
// what the arena keeps is right, and it keeps what was put last.
func TestArena(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		a, want := newArena(16<<10), make(map[push.Uid][]byte)
		for range 5000 {
			user := push.Uid(1 + rng.IntN(200))
			switch rng.IntN(10) {
			case 0:
				a.remove(user)
				delete(want, user)
			case 1, 2, 3, 4:
				payload := bytes.Repeat([]byte{byte(rng.IntN(256))}, rng.IntN(300))
				r, ok := a.put(user, payload)
				if !ok {
					t.Fatalf("%d bytes were not kept", len(payload))
				}
				r.set(uint64(user), time.Duration(user)*time.Second, rng.IntN(2) == 0)
				if want[user] = payload; !holds(&a, user, payload) {
					t.Fatal("what was just put is not there")
				}
			default:
				if r, ok := a.get(user); ok {
					r.asked()
					if payload, put := want[user]; !put || !holds(&a, user, payload) {
						t.Fatalf("seed %d: user %d has %v, want %v", seed, user, r, payload)
					}
				}
			}
		}
		if bytes := len(a.chunks)*a.size + len(a.spots)*costPerSpot; bytes > a.room {
			t.Errorf("seed %d: %d bytes in a room of %d", seed, bytes, a.room)
		}
	}
}

func holds(a *arena, user push.Uid, payload []byte) bool {
	r, ok := a.get(user)
	return ok && r.user() == user && r.revision() == uint64(user) && r.at() == time.Duration(user)*time.Second &&
		bytes.HasPrefix(r.payload(), payload)
}

// TestArenaKeepsWhoIsAskedFor: users who are asked for again and again stay while many
// others come and go.
func TestArenaKeepsWhoIsAskedFor(t *testing.T) {
	t.Parallel()
	a := newArena(64 << 10)
	for user := range push.Uid(5000) {
		if user > 50 {
			for busy := range push.Uid(50) {
				r, ok := a.get(busy + 1)
				if !ok {
					t.Fatalf("user %d left when %d came", busy+1, user)
				}
				r.asked()
			}
		}
		a.put(user+1, make([]byte, 150))
	}
	if _, ok := a.get(100); ok {
		t.Error("a user whom nobody asked for stayed")
	}
}

// TestArenaOfAll: with as much room as is needed nobody leaves, and what was replaced by
// something longer is used again.
func TestArenaOfAll(t *testing.T) {
	t.Parallel()
	const users = 60_000
	a := newArena(0)
	for length := range 20 {
		for user := range push.Uid(users) {
			a.put(user+1, bytes.Repeat([]byte{byte(user)}, 200+length))
		}
	}
	for user := range push.Uid(users) {
		if r, ok := a.get(user + 1); !ok || !bytes.Equal(r.payload(), bytes.Repeat([]byte{byte(user)}, 219)) {
			t.Fatalf("user %d: %v", user+1, ok)
		}
	}
	if used, need := len(a.chunks)*a.size, users*(219+headLen); a.live != need || used > 5*need/2 {
		t.Errorf("%d bytes for %d, of which %d are known", used, need, a.live)
	}
}

// TestArenaOfEmptyLists: the share of the map counts, where records are small.
func TestArenaOfEmptyLists(t *testing.T) {
	t.Parallel()
	a := newArena(64 << 10)
	for user := range push.Uid(10_000) {
		a.put(user+1, []byte{0})
	}
	if bytes := len(a.chunks)*a.size + len(a.spots)*costPerSpot; bytes > a.room+a.size || len(a.spots) < 500 {
		t.Errorf("%d users in %d bytes, in a room of %d", len(a.spots), bytes, a.room)
	}
	if _, ok := a.put(1, make([]byte, a.size)); ok {
		t.Error("more than a chunk was kept")
	}
	if _, ok := a.get(1); ok {
		t.Error("what was known before stays, although it is old")
	}
}

// TestPack: a list comes back as it was, and of it what a provider reaches.
func TestPack(t *testing.T) {
	t.Parallel()
	full := push.Device{
		User: 7, ID: "phone", Provider: "webpush", Platform: "web", Token: "https://push.example/x", Lang: "de-CH",
		Registered: time.Date(2026, 11, 24, 8, 30, 0, 123, time.UTC),
		Extra: &push.Extra{
			App: "a", Kind: "voip", Env: "sandbox", Keys: push.Keys{P256DH: "key", Auth: "auth"},
			Failing: push.Failing{Why: "away", Since: time.Unix(1_790_000_000, 0).UTC()},
		},
	}
	long := push.Device{User: 7, ID: strings.Repeat("i", 4096), Token: strings.Repeat("t", 4096), Provider: "fcm", Registered: time.Unix(-1, 5).UTC()}
	old := push.Device{User: 7, ID: "old", Token: "x"} // of no provider, so of all
	tests := map[string]struct {
		list       list
		provider   string
		want       list
		registered bool
	}{
		"nobody":            {nil, "fcm", nil, false},
		"all":               {list{full, long, old}, "", list{full, long, old}, true},
		"of a provider":     {list{full, long, old}, "fcm", list{long, old}, true},
		"of another only":   {list{full}, "fcm", nil, true},
		"with empty extras": {list{{User: 7, ID: "x", Extra: &push.Extra{}}}, "", list{{User: 7, ID: "x", Extra: &push.Extra{}}}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p packer
			b := p.pack(nil, test.list)
			got, registered := p.unpack(nil, b, 7, test.provider)
			clear(b) // what was read shares nothing with it
			if registered != test.registered || !reflect.DeepEqual(list(got), test.want) {
				t.Errorf("got %d of %d devices, registered %t", len(got), len(test.want), registered)
			}
		})
	}
}

// TestPackManyNames: names are free text, so that there may be more than are remembered.
func TestPackManyNames(t *testing.T) {
	t.Parallel()
	var p packer
	for i := range 2 * maxNames {
		d := push.Device{User: 1, ID: "x", Platform: strconv.Itoa(i)}
		if got, _ := p.unpack(nil, p.pack(nil, list{d}), 1, ""); !reflect.DeepEqual(got, []push.Device{d}) {
			t.Fatalf("platform %d is lost", i)
		}
	}
	if n := len(p.names.texts); n != maxNames {
		t.Errorf("%d names are kept, want %d", n, maxNames)
	}
}
