package channel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const (
	alice = push.Uid(0x1001 + iota)
	bob
	carol
)

// provider subscribes, and fails as it is told.
type provider struct {
	mu   sync.Mutex
	subs map[string]map[string]bool // by channel and token
	dead map[string]push.Result     // of tokens
	down error
	most int // devices in a request
	// asked is called before each request, without a lock; may be nil.
	asked func(channel string, member bool)
}

func (p *provider) channels() *push.Channels {
	return &push.Channels{
		Provider: "fcm", Batch: 3, Set: p.set,
		Mine: func(d push.Device) bool { return d.For("fcm") && d.More().App == "" },
	}
}

func (p *provider) set(_ context.Context, name string, member bool, devices []push.Device) ([]push.Target, error) {
	if p.asked != nil {
		p.asked(name, member)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return nil, p.down
	}
	p.most = max(p.most, len(devices))
	answers := make([]push.Target, len(devices))
	for i, d := range devices {
		answers[i] = push.Target{Device: d, Result: push.ResultAccepted}
		if fate := p.dead[d.Token]; fate != "" {
			answers[i].Result, answers[i].Why = fate, "unregistered"
			continue
		}
		if p.subs[name] == nil {
			p.subs[name] = make(map[string]bool)
		}
		if p.subs[name][d.Token] = true; !member {
			delete(p.subs[name], d.Token)
		}
	}
	return answers, nil
}

// have is what the provider has, as channel/token.
func (p *provider) have() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, tokens := range p.subs {
		for token := range tokens {
			all = append(all, name+"/"+token)
		}
	}
	slices.Sort(all)
	return all
}

// told is a store that tells a keeper of what is written to it.
type told struct {
	device.Memory

	mu   sync.Mutex
	tell func(device.Keyed)
	deaf bool
}

func (s *told) Write(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	revision, err := s.Memory.Write(ctx, key, value, revision)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.tell != nil && !s.deaf {
		s.tell(device.Keyed{Key: key, Entry: device.Entry{Value: value, Revision: revision}})
	}
	return revision, err
}

func (s *told) to(f func(device.Keyed)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell = f
}

// world is everything but the process.
type world struct {
	provider *provider
	lists    *told // of devices
	members  *told
	channel.Members
	devices *device.Directory
	counts  map[push.Result]int
	// foreign has the keeper see the devices as those of a chat server.
	foreign bool
	log     bytes.Buffer
}

// unclaimed are devices of whose changes no revision is known, and which cannot be
// asked whose a token is.
type unclaimed struct{ *device.Directory }

func (u unclaimed) Holders() {} // which hides that of the directory

func (u unclaimed) Current(ctx context.Context, users []push.Uid) ([]device.Current, error) {
	all, err := u.Directory.Current(ctx, users)
	for i := range all {
		all[i].Revision = 0
	}
	return all, err
}

func newWorld() *world {
	w := &world{
		provider: &provider{subs: make(map[string]map[string]bool), dead: make(map[string]push.Result)},
		lists:    &told{}, members: &told{}, counts: make(map[push.Result]int),
	}
	w.Store = w.members
	w.devices = device.New(w.lists, device.Options{Displace: true})
	return w
}

// keeper runs a keeper until the returned function is called.
func (w *world) keeper(t *testing.T) (k *channel.Keeper, stop func()) {
	t.Helper()
	var mu sync.Mutex
	k = &channel.Keeper{
		Handler: "fcm", Channels: w.provider.channels(), Store: w.members, Devices: w.devices, Log: zerolog.New(zerolog.SyncWriter(&w.log)),
		Counted: func(r push.Result, _ bool, n int) {
			mu.Lock()
			defer mu.Unlock()
			w.counts[r] += n
		},
	}
	if w.foreign {
		k.Devices = unclaimed{w.devices}
	}
	w.lists.to(func(e device.Keyed) {
		if w.foreign {
			e.Revision = 0
		}
		if u := device.UserOf(e.Key); u != 0 {
			k.Changed(u, 0, e.Revision)
		}
	})
	w.members.to(func(e device.Keyed) {
		if u := channel.MemberOf(e.Key); u != 0 {
			k.Changed(u, e.Revision, 0)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	return k, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
		w.lists.to(nil)
		w.members.to(nil)
	}
}

func (w *world) put(t *testing.T, user push.Uid, id, token string) {
	t.Helper()
	d := push.Device{User: user, ID: id, Provider: "fcm", Platform: "android", Token: token}
	if _, err := w.devices.Put(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func (w *world) join(t *testing.T, user push.Uid, name string) {
	t.Helper()
	if err := w.Put(t.Context(), channel.Request{User: user, Channel: name}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) leave(t *testing.T, user push.Uid, name string) {
	t.Helper()
	if _, err := w.Remove(t.Context(), channel.Request{User: user, Channel: name}); err != nil {
		t.Fatal(err)
	}
}

// wants compares what the provider has.
func (w *world) wants(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.provider.have()); diff != "" {
		t.Errorf("subscriptions (-want +have):\n%s", diff)
	}
}

// settle lets all that is due be done, retries of the first minute too.
func settle() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

func TestSubscriptionsFollowMembersAndDevices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(t, alice, "phone", "a1")
		w.join(t, alice, "chnX")
		k, stop := w.keeper(t)
		defer stop()
		settle()
		w.wants(t, "chnX/a1") // what was there before
		w.put(t, alice, "tablet", "a2")
		w.join(t, alice, "chnY")
		w.join(t, bob, "chnX") // who has no device
		settle()
		w.wants(t, "chnX/a1", "chnX/a2", "chnY/a1", "chnY/a2")
		w.put(t, alice, "phone", "a1-new") // a refreshed token
		w.put(t, bob, "phone", "b1")
		settle()
		w.wants(t, "chnX/a1-new", "chnX/a2", "chnX/b1", "chnY/a1-new", "chnY/a2")
		w.leave(t, alice, "chnX")
		if _, err := w.devices.Remove(t.Context(), push.Device{User: bob}); err != nil {
			t.Fatal(err)
		}
		settle()
		w.wants(t, "chnY/a1-new", "chnY/a2")
		if _, err := w.Forget(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		settle()
		w.wants(t)
		if r := k.Report(); r != (channel.Report{}) {
			t.Errorf("Report = %+v, want nothing", r)
		}
		for e, err := range w.members.Scan(t.Context(), "applied.") {
			t.Errorf("%s is left, %v", e.Key, err)
		}
	})
}

// A token that moves leaves the channels of the one user for those of the other, also the
// channel in which both are.
func TestATokenMoves(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		both := i%2 == 1
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.foreign = i > 1
			w.join(t, alice, "chnA")
			w.join(t, bob, "chnB")
			w.join(t, alice, "chnBoth")
			w.join(t, bob, "chnBoth")
			w.put(t, alice, "phone", "t")
			_, stop := w.keeper(t)
			settle()
			w.wants(t, "chnA/t", "chnBoth/t")
			if !both { // the change of the one is seen long after that of the other
				stop()
			}
			w.put(t, bob, "phone", "t")
			settle()
			w.put(t, alice, "phone", "t")
			if both {
				settle()
			}
			w.put(t, bob, "phone", "t")
			if !both {
				_, stop = w.keeper(t)
			}
			settle()
			w.wants(t, "chnB/t", "chnBoth/t")
			stop()
		})
	}
}

// What was begun by a keeper that has died is known to the next one: the subscription may
// have been made, and the user has left since.
func TestNothingIsLostWithAKeeper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(t, alice, "phone", "a")
		w.join(t, alice, "chnX")
		ctx, die := context.WithCancel(t.Context())
		store := &mortal{told: w.members}
		w.provider.asked = func(string, bool) { store.dead.Store(true) } // asks, and writes nothing any more
		k := &channel.Keeper{Handler: "fcm", Channels: w.provider.channels(), Store: store, Devices: w.devices, Log: zerolog.Nop()}
		if err := k.Run(ctx); !errors.Is(err, errDead) {
			t.Fatalf("Run = %v, want the store's error", err)
		}
		die()
		w.wants(t, "chnX/a")
		w.provider.asked = nil
		w.leave(t, alice, "chnX")
		_, stop := w.keeper(t)
		defer stop()
		settle()
		w.wants(t)
	})
}

func TestFailuresOfTheProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(t, alice, "phone", "dead")
		w.put(t, alice, "tablet", "busy")
		w.put(t, alice, "old", "refused")
		w.put(t, alice, "new", "good")
		w.join(t, alice, "chnX")
		w.provider.dead = map[string]push.Result{"dead": push.ResultGone, "busy": push.ResultRetried, "refused": push.ResultRejected}
		w.provider.down = errors.New("no answer")
		k, stop := w.keeper(t)
		defer stop()
		settle()
		w.wants(t)
		if r := k.Report(); r.Waiting != 1 || r.Problem != "no answer" || r.Since.IsZero() {
			t.Errorf("Report = %+v, want one who waits", r)
		}
		w.provider.mu.Lock()
		w.provider.down = nil
		w.provider.mu.Unlock()
		time.Sleep(10 * time.Minute)
		settle()
		w.wants(t, "chnX/good")
		if left, _ := w.devices.List(t.Context(), alice); len(left) != 3 {
			t.Errorf("%d devices are left, want all but the dead one", len(left))
		}
		if r := k.Report(); r.Waiting != 1 || r.Problem != "" {
			t.Errorf("Report = %+v, want one who waits, for the busy one", r)
		}
		w.provider.mu.Lock()
		delete(w.provider.dead, "busy")
		w.provider.mu.Unlock()
		time.Sleep(10 * time.Minute)
		settle()
		w.wants(t, "chnX/busy", "chnX/good")
		if r := k.Report(); r.Waiting != 0 {
			t.Errorf("Report = %+v, want nobody who waits", r)
		}
	})
}

// A round in which nothing is asked of the provider does not end its outage.
func TestAnOutageLastsUntilTheProviderAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(t, alice, "phone", "a")
		w.join(t, alice, "chnX")
		w.provider.down = errors.New("no answer")
		k, stop := w.keeper(t)
		for i := range 100 { // devices of somebody in no channel
			w.put(t, bob, "phone", fmt.Sprint("b", i))
			time.Sleep(5 * time.Minute) // more than the longest pause together
		}
		settle()
		if r := k.Report(); r.Problem != "no answer" {
			t.Errorf("Report = %+v, want the problem", r)
		}
		w.provider.mu.Lock()
		w.provider.down = nil
		w.provider.mu.Unlock()
		time.Sleep(2 * time.Hour)
		settle()
		if r := k.Report(); r != (channel.Report{}) {
			t.Errorf("Report = %+v, want none when nobody waits", r)
		}
		stop()
		if log := w.log.String(); strings.Count(log, "cannot be subscribed") != 1 || strings.Count(log, "are subscribed to channels again") != 1 {
			t.Errorf("the log says %s, want the problem and its end once each", log)
		}
	})
}

// A token that was registered again after it was asked for is not removed as dead.
func TestADeadTokenThatWasRegisteredAgainStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(t, alice, "phone", "t")
		w.join(t, alice, "chnX")
		w.provider.dead["t"] = push.ResultGone
		var once sync.Once
		w.provider.asked = func(string, bool) {
			once.Do(func() {
				time.Sleep(time.Second)
				w.put(t, alice, "phone", "t")
				w.provider.mu.Lock()
				defer w.provider.mu.Unlock()
				defer delete(w.provider.dead, "t")
			})
		}
		_, stop := w.keeper(t)
		defer stop()
		settle()
		w.wants(t, "chnX/t")
	})
}

// Whatever happens in whatever order, with keepers that come and go and a provider that
// fails now and then, in the end the provider has what shall be.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			w := newWorld()
			w.foreign = seed%2 == 1
			_, stop := w.keeper(t)
			users, names, tokens := []push.Uid{alice, bob, carol}, []string{"chnA", "chnB", "chnC"}, []string{"t1", "t2", "t3", "t4"}
			pick := func(n int) int { return rng.IntN(n) }
			for range 60 {
				user, name, token := users[pick(3)], names[pick(3)], tokens[pick(4)]
				switch pick(9) {
				case 0, 1:
					w.join(t, user, name)
				case 2:
					w.leave(t, user, name)
				case 3, 4:
					w.put(t, user, fmt.Sprint("id", pick(2)), token)
				case 5:
					if _, err := w.devices.Remove(t.Context(), push.Device{User: user, Token: token}); err != nil {
						t.Fatal(err)
					}
				case 6:
					w.provider.mu.Lock()
					if w.provider.down = nil; pick(2) == 0 {
						w.provider.down = errors.New("no answer")
					}
					w.provider.mu.Unlock()
				case 7:
					stop()
					_, stop = w.keeper(t)
				case 8:
					time.Sleep(time.Duration(pick(5000)) * time.Millisecond)
				}
			}
			w.provider.mu.Lock()
			w.provider.down = nil
			w.provider.mu.Unlock()
			time.Sleep(20 * time.Minute)
			synctest.Wait()
			stop()
			want := make(map[string]bool)
			for d, err := range w.devices.All(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				in, err := w.List(t.Context(), d.User)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range in {
					want[c+"/"+d.Token] = true
				}
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), w.provider.have()); diff != "" {
				t.Errorf("seed %d: subscriptions (-want +have):\n%s", seed, diff)
			}
			if w.provider.most > 3 {
				t.Errorf("a request was for %d devices, want 3 at most", w.provider.most)
			}
		})
	}
}

func TestRequestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		r    channel.Request
		want string
	}{
		"nothing":    {channel.Request{}, "user is missing"},
		"no channel": {channel.Request{User: alice}, "channel is missing"},
		"a group":    {channel.Request{User: alice, Channel: "grpnG99YhENiQU"}, "chnnG99YhENiQU"},
		"characters": {channel.Request{User: alice, Channel: "chn/1"}, "not a name"},
		"long":       {channel.Request{User: alice, Channel: strings.Repeat("c", 129)}, "not a name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := channel.Members{Store: &device.Memory{}}
			err := m.Put(t.Context(), c.r)
			if _, invalid := errors.AsType[*device.InvalidError](err); !invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Put = %v, want that %s", err, c.want)
			}
		})
	}
}

func TestTooManyChannels(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range channel.MaxPerUser {
		w.join(t, alice, fmt.Sprint("chn", i))
	}
	w.join(t, alice, "chn1") // which is one of them
	err := w.Put(t.Context(), channel.Request{User: alice, Channel: "chnOneMore"})
	if _, invalid := errors.AsType[*device.InvalidError](err); !invalid {
		t.Errorf("Put = %v, want that there are too many", err)
	}
}
