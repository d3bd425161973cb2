package device_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// spyStore counts and can be told to stall, fail or conflict.
type spyStore struct {
	device.Memory

	reads, keys, writes atomic.Int64
	running, most       atomic.Int64
	stall               chan struct{} // reads wait for it, if not nil
	fail                atomic.Pointer[error]
	conflict            atomic.Bool
}

func (s *spyStore) Read(ctx context.Context, keys []string) ([]device.Entry, error) {
	s.reads.Add(1)
	s.keys.Add(int64(len(keys)))
	s.most.Store(max(s.most.Load(), s.running.Add(1)))
	defer s.running.Add(-1)
	entries, err := s.Memory.Read(ctx, keys)
	if s.stall != nil {
		select {
		case <-s.stall:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if fail := s.fail.Load(); fail != nil {
		return nil, *fail
	}
	return entries, err
}

func (s *spyStore) Write(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	s.writes.Add(1)
	if s.conflict.Load() {
		return 0, device.ErrConflict
	}
	return s.Memory.Write(ctx, key, value, revision)
}

func put(tb testing.TB, d *device.Directory, user push.Uid, id, token string) {
	tb.Helper()
	if stored, err := d.Put(tb.Context(), push.Device{User: user, ID: id, Provider: "fcm", Token: token}); err != nil || !stored {
		tb.Fatalf("Put = %t, %v", stored, err)
	}
}

// count asks for users and returns how many have devices.
func count(tb testing.TB, d *device.Directory, users ...push.Uid) int {
	tb.Helper()
	found, err := d.Devices(tb.Context(), users, "")
	if err != nil {
		tb.Error(err)
		return -1
	}
	return len(found)
}

func TestCacheAnswersUntilItIsTooOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{}
		writer, reader := device.New(store, device.Options{}), device.New(store, device.Options{CacheTTL: time.Minute})
		put(t, writer, anna, "phone", "x")
		store.reads.Store(0)
		for range 3 {
			if n := count(t, reader, anna, ben); n != 1 { // ben has none, which is known too
				t.Fatalf("%d users have devices, want 1", n)
			}
		}
		if n := store.reads.Load(); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
		if hits, misses := reader.CacheCounts(); hits != 4 || misses != 2 {
			t.Errorf("%d hits and %d misses, want 4 and 2: of three look-ups of two users the first missed both", hits, misses)
		}
		put(t, writer, ben, "phone", "y") // the reader is not told
		time.Sleep(time.Minute - time.Nanosecond)
		if n := count(t, reader, anna, ben); n != 1 {
			t.Errorf("before its time, %d users have devices", n)
		}
		time.Sleep(time.Nanosecond)
		if n := count(t, reader, anna, ben); n != 2 {
			t.Errorf("after its time, %d users have devices, want 2", n)
		}
	})
}

// lagging answers reads as a replica does that has not had the change yet.
type lagging struct {
	device.Memory

	old atomic.Bool
}

func (s *lagging) Read(ctx context.Context, keys []string) ([]device.Entry, error) {
	if s.old.Load() {
		return make([]device.Entry, len(keys)), nil
	}
	return s.Memory.Read(ctx, keys)
}

// TestAReadThatLagsIsNotBelievedForLong: a device is registered elsewhere, and the
// first read after that knows nothing of it.
func TestAReadThatLagsIsNotBelievedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &lagging{}
		reader := device.New(store, device.Options{CacheTTL: time.Minute})
		reader.Watched(true)
		put(t, device.New(store, device.Options{}), anna, "phone", "x")
		store.old.Store(true)
		count(t, reader, anna)
		store.old.Store(false)
		time.Sleep(time.Minute)
		if n := count(t, reader, anna); n != 1 {
			t.Errorf("a minute later %d users have devices, want 1", n)
		}
	})
}

// TestCacheIsBelievedLongerWhileItIsWatched: and no longer once it is not.
func TestCacheIsBelievedLongerWhileItIsWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{}
		d := device.New(store, device.Options{CacheTTL: time.Minute})
		put(t, d, anna, "phone", "x")
		reads := func(want int64) {
			t.Helper()
			store.reads.Store(0)
			if count(t, d, anna); store.reads.Load() != want {
				t.Errorf("%d reads, want %d", store.reads.Load(), want)
			}
		}
		d.Forget()
		d.Watched(true)
		reads(1)
		time.Sleep(time.Minute - time.Nanosecond)
		reads(0)
		time.Sleep(time.Nanosecond)
		reads(1) // it says the same
		time.Sleep(20*time.Minute - time.Nanosecond)
		reads(0)
		time.Sleep(time.Nanosecond)
		reads(1)
		time.Sleep(2 * time.Minute)
		reads(0)
		d.Watched(false)
		reads(1)
	})
}

func TestChangeIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	store := &spyStore{}
	d := device.New(store, device.Options{})
	count(t, d, anna) // that anna has none is known, and nothing of ben
	put(t, d, anna, "phone", "x")
	put(t, d, ben, "phone", "x")
	store.reads.Store(0)
	if found, err := d.Devices(t.Context(), []push.Uid{anna, ben}, ""); err != nil || len(found) != 1 || len(found[ben]) != 1 {
		t.Errorf("Devices = %v, %v; want ben's", found, err)
	}
	if n := store.reads.Load(); n != 0 {
		t.Errorf("%d reads, want none", n)
	}
}

func TestOldNewsChangeNothing(t *testing.T) {
	t.Parallel()
	store := &spyStore{}
	d := device.New(store, device.Options{})
	put(t, d, anna, "phone", "x")
	old := scan(t, store, device.UserPrefix)[0]
	if _, err := d.Remove(t.Context(), push.Device{User: anna}); err != nil {
		t.Fatal(err)
	}
	d.Learn(old) // comes late
	store.reads.Store(0)
	if n := count(t, d, anna); n != 0 || store.reads.Load() != 0 {
		t.Error("old news were believed, or forgot what was known")
	}
}

func TestStoreMadeAnewIsBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{}
		d := device.New(store, device.Options{CacheTTL: time.Minute})
		count(t, d, anna)
		d.Learn(device.Keyed{Key: "user." + anna.String(), Entry: device.Entry{Revision: 1_000_000}})
		put(t, device.New(&store.Memory, device.Options{}), anna, "phone", "x") // revisions begin anew
		time.Sleep(time.Minute)
		store.reads.Store(0)
		if n := count(t, d, anna) + count(t, d, anna); n != 2 || store.reads.Load() != 1 {
			t.Errorf("%d answers of 2, %d reads of 1", n, store.reads.Load())
		}
	})
}

func TestReadThatWasOvertakenIsNotCached(t *testing.T) {
	t.Parallel()
	for name, overtake := range map[string]func(*testing.T, *spyStore, *device.Directory){
		"by a change here": func(t *testing.T, _ *spyStore, d *device.Directory) {
			t.Helper()
			put(t, d, anna, "phone", "x")
		},
		"by one elsewhere": func(t *testing.T, s *spyStore, d *device.Directory) {
			t.Helper()
			put(t, device.New(&s.Memory, device.Options{}), anna, "phone", "x")
			for _, e := range scan(t, s, device.UserPrefix) {
				d.Learn(e)
			}
		},
		"by a gap": func(t *testing.T, s *spyStore, d *device.Directory) {
			t.Helper()
			put(t, device.New(&s.Memory, device.Options{}), anna, "phone", "x")
			d.Forget()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &spyStore{stall: make(chan struct{})}
				d := device.New(store, device.Options{})
				go count(t, d, anna) // reads that there are none, and hangs
				synctest.Wait()
				go overtake(t, store, d)
				for range 8 { // those of the change as well
					synctest.Wait()
					select {
					case store.stall <- struct{}{}:
					default:
					}
				}
				close(store.stall)
				synctest.Wait()
				if n := count(t, d, anna); n != 1 {
					t.Error("the old answer was cached")
				}
			})
		})
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	store := &spyStore{}
	writer := device.New(store, device.Options{})
	for u := range 200 {
		put(t, writer, push.Uid(u+1), "phone", fmt.Sprint(u, strings.Repeat("x", 1000)))
	}
	reader := device.New(store, device.Options{CacheBytes: 100 << 10})
	for u := range 200 {
		count(t, reader, push.Uid(u+1))
	}
	for range 1000 { // the same again takes no more room
		for _, e := range scan(t, store, "user."+push.Uid(200).String()) {
			reader.Learn(e)
		}
	}
	store.keys.Store(0)
	for u := range 200 {
		count(t, reader, push.Uid(200-u)) // those asked last are known
	}
	if known := 200 - store.keys.Load(); known < 40 || known > 100 {
		t.Errorf("100 KiB hold %d users of more than 1,000 bytes each", known)
	}
}

func TestWhoAsksMeanwhileIsServedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{stall: make(chan struct{})}
		d := device.New(store, device.Options{})
		for u := range 1000 {
			go count(t, d, push.Uid(2*u+1), push.Uid(2*u+2))
		}
		synctest.Wait()
		for range 100 {
			go count(t, d, 4711)
		}
		synctest.Wait()
		if n := store.running.Load(); n != 4 {
			t.Errorf("%d reads under way, want 4", n)
		}
		close(store.stall)
		synctest.Wait()
		if reads, keys := store.reads.Load(), store.keys.Load(); reads != 5 || keys != 2001 {
			t.Errorf("%d reads of %d keys, want 5 of 2001", reads, keys)
		}
	})
}

// TestFewWaitForTheReadUnderWay: a read for few users does not begin beside another, unless
// that one takes its time.
func TestFewWaitForTheReadUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{stall: make(chan struct{})}
		d := device.New(store, device.Options{})
		ask := func(from, to int) {
			for u := from; u < to; u++ {
				go count(t, d, push.Uid(u))
			}
			synctest.Wait()
		}
		ask(1, 256)
		if n := store.running.Load(); n != 1 {
			t.Errorf("%d reads under way for 255 users, want 1", n)
		}
		ask(256, 258)
		if n := store.running.Load(); n != 2 {
			t.Errorf("%d reads under way for 257 users, want 2", n)
		}
		<-time.After(101 * time.Millisecond)
		ask(258, 259)
		if n := store.running.Load(); n != 3 {
			t.Errorf("%d reads under way for one more than 100 ms later, want 3", n)
		}
		close(store.stall)
		synctest.Wait()
		if reads, keys := store.reads.Load(), store.keys.Load(); reads != 3 || keys != 258 {
			t.Errorf("%d reads of %d keys, want 3 of 258", reads, keys)
		}
	})
}

// TestFind: what is known is told at once, and what is not when it was read, without a
// goroutine that waits.
func TestFind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{}
		d := device.New(store, device.Options{})
		put(t, d, anna, "phone", "x")
		answers, failures := 0, 0
		find := func(ctx context.Context) {
			d.Find(ctx, []push.Uid{anna, 4711}, "fcm", func(found map[push.Uid][]push.Device, err error) {
				switch {
				case err == nil && len(found) == 1 && len(found[anna]) == 1:
					answers++
				case errors.Is(err, context.Canceled) && found == nil:
					failures++
				default:
					t.Errorf("found %v, %v", found, err)
				}
			})
		}
		count(t, d, anna, 4711)
		if find(t.Context()); answers != 1 {
			t.Error("what is known is not told at once")
		}
		d.Forget()
		store.stall = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		find(ctx)
		find(t.Context())
		if synctest.Wait(); answers != 1 || failures != 0 {
			t.Error("what is not known is told before it was read")
		}
		cancel()
		if synctest.Wait(); answers != 1 || failures != 1 {
			t.Errorf("%d answers and %d failures after one gave up, want 1 and 1", answers, failures)
		}
		close(store.stall)
		if synctest.Wait(); answers != 2 || failures != 1 {
			t.Errorf("%d answers and %d failures, want 2 and 1", answers, failures)
		}
	})
}

func TestWhoGivesUpLeavesTheOthersTheirAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{}
		d := device.New(store, device.Options{})
		put(t, d, anna, "phone", "x")
		d.Forget()
		store.stall = make(chan struct{})
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		gaveUp := make(chan error)
		go func() {
			_, err := d.Devices(ctx, []push.Uid{anna}, "")
			gaveUp <- err
		}()
		synctest.Wait()
		cancel(why)
		if err := <-gaveUp; !errors.Is(err, why) {
			t.Errorf("Devices = %v, want %v", err, why)
		}
		close(store.stall)
		synctest.Wait()
		store.reads.Store(0)
		if count(t, d, anna) != 1 || store.reads.Load() != 0 {
			t.Error("what was read was lost")
		}
	})
}

func TestReadFailsForAllWhoWaitAndIsNotRemembered(t *testing.T) {
	t.Parallel()
	store := &spyStore{}
	d := device.New(store, device.Options{})
	put(t, d, anna, "phone", "x")
	d.Forget()
	down := errors.New("the store is down")
	store.fail.Store(&down)
	if found, err := d.Devices(t.Context(), []push.Uid{anna}, ""); !errors.Is(err, down) || found != nil {
		t.Errorf("Devices = %v, %v; want %v", found, err, down)
	}
	if _, err := d.Put(t.Context(), push.Device{User: anna, ID: "1", Provider: "fcm", Token: "secret"}); !errors.Is(err, down) || strings.Contains(err.Error(), "secret") {
		t.Errorf("Put: %v, want %v and no token", err, down)
	}
	store.fail.Store(nil)
	if n := count(t, d, anna); n != 1 {
		t.Error("the failure was remembered")
	}
}

func TestStoreThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{stall: make(chan struct{})}
		if _, err := device.New(store, device.Options{}).Devices(t.Context(), []push.Uid{anna}, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Devices = %v, want a deadline", err)
		}
	})
}

func TestChangeThatMeetsConflictsOnlyEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{}
		store.conflict.Store(true)
		d := device.New(store, device.Options{})
		phone := push.Device{User: anna, ID: "1", Provider: "fcm", Token: "x"}
		began := time.Now()
		if _, err := d.Put(t.Context(), phone); !errors.Is(err, device.ErrBusy) {
			t.Errorf("Put: %v, want %v", err, device.ErrBusy)
		}
		if n, took := store.writes.Load(), time.Since(began); n != 64 || took > 8*time.Second {
			t.Errorf("%d attempts in %s", n, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := d.Put(ctx, phone); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Put: %v, want a deadline", err)
		}
	})
}

func TestNoClaimOutlivesItsToken(t *testing.T) {
	t.Parallel()
	store := &device.Memory{}
	d := device.New(store, device.Options{Displace: true})
	put(t, d, anna, "phone", "1")
	put(t, d, anna, "phone", "2")
	put(t, d, ben, "phone", "2")
	for i := range device.MaxPerUser + 1 {
		put(t, d, ben, strconv.Itoa(i), fmt.Sprint("b", i))
	}
	if n := len(scan(t, store, "token.")); n != device.MaxPerUser {
		t.Errorf("%d claims to %d tokens", n, device.MaxPerUser)
	}
	if n, err := d.Remove(t.Context(), push.Device{User: ben}); n != device.MaxPerUser || err != nil {
		t.Errorf("Remove = %d, %v", n, err)
	}
	if left := scan(t, store, ""); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func scan(t *testing.T, s device.Store, prefix string) (all []device.Keyed) {
	t.Helper()
	for e, err := range s.Scan(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestEventTellsNoToken(t *testing.T) {
	t.Parallel()
	var told []device.Event
	mask := device.NewMask()
	d := device.New(&device.Memory{}, device.Options{Mask: mask, OnGone: func(e device.Event) { told = append(told, e) }})
	put(t, d, anna, "phone", "secret")
	if err := d.Gone(t.Context(), push.Device{User: anna, Provider: "fcm", Token: "secret"}, time.Now(), strings.Repeat("r", 500)); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].TokenHash != mask.Hash("secret") || len(told[0].Reason) > 64 || told[0].ID != "phone" || told[0].Registered.IsZero() {
		t.Errorf("events: %+v", told)
	}
	if text := fmt.Sprintf("%+v", told); strings.Contains(text, "secret") {
		t.Error("the event shows the token")
	}
}

func TestMaskIsKeyed(t *testing.T) {
	t.Parallel()
	a, b := device.NewMask(), device.NewMask()
	again := a
	if a.Hash("x") != again.Hash("x") || a.Hash("x") == b.Hash("x") || a.Hash("x") == a.Hash("y") || len(a.Hash("x")) != 8 {
		t.Errorf("hashes: %s %s %s", a.Hash("x"), b.Hash("x"), a.Hash("y"))
	}
}

func TestUserOf(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]push.Uid{
		"user.AQAAAAAAAAA": 1, "user.AQAAAAAAAAB": 0 /* not canonical */, "user.": 0, "user.x": 0, "token.AQAAAAAAAAA": 0, "": 0, "user.AAAAAAAAAAA": 0,
	} {
		if got := device.UserOf(key); got != want {
			t.Errorf("UserOf(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestWhatIsCachedCostsTheResultOnly(t *testing.T) {
	d := device.New(&device.Memory{}, device.Options{})
	users := make([]push.Uid, 100)
	for i := range users {
		users[i] = push.Uid(i + 1)
		put(t, d, users[i], "phone", strconv.Itoa(i))
	}
	devices, err := d.List(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.Repeat("x", 163))
	for _, n := range []int{1, 100} {
		result := testing.AllocsPerRun(100, func() { // the map, the devices, and the text of each
			m, all := make(map[push.Uid][]push.Device, n), make([]push.Device, n)
			for i, u := range users[:n] {
				all[i] = devices[0]
				all[i].Token = string(text)
				m[u] = all[i:]
			}
			sink = m
		})
		got := testing.AllocsPerRun(100, func() { sink, err = d.Devices(t.Context(), users[:n], "") })
		if err != nil || got > result {
			t.Errorf("%d users: %v allocations, %v, want %v as the result itself", n, got, err, result)
		}
	}
}

// sink keeps what a test measures from being optimized away.
var sink map[push.Uid][]push.Device

// TestOneTooManyIsRefused: nobody's device leaves for another one unless that is
// configured; a new token of a device that is there is not one more.
func TestOneTooManyIsRefused(t *testing.T) {
	t.Parallel()
	var gone []device.Event
	d := device.New(&device.Memory{}, device.Options{OnGone: func(e device.Event) { gone = append(gone, e) }})
	for i := range device.MaxPerUser {
		put(t, d, anna, strconv.Itoa(i), fmt.Sprint("a", i))
	}
	_, err := d.Put(t.Context(), push.Device{User: anna, ID: "new", Provider: "fcm", Token: "new"})
	if _, invalid := errors.AsType[*device.InvalidError](err); !invalid || !strings.Contains(err.Error(), "PUSHWORKER_DEVICES_DISPLACE") {
		t.Errorf("one too many: %v", err)
	}
	put(t, d, anna, "0", "another")
	devices, err := d.List(t.Context(), anna)
	if err != nil || len(devices) != device.MaxPerUser || len(gone) != 0 {
		t.Errorf("%d devices, %v, gone: %v", len(devices), err, gone)
	}
}

// TestLongIDs: a chat server may take the token for the id, and nothing that people
// read shows it then.
func TestLongIDs(t *testing.T) {
	t.Parallel()
	d := device.New(&device.Memory{}, device.Options{})
	for _, id := range []string{strings.Repeat("t", 163), strings.Repeat("é", 2048), strings.Repeat(`"/.>* `, 20) + "end"} {
		put(t, d, anna, id, strings.ReplaceAll(id, " ", "_"))
		devices, err := d.List(t.Context(), anna)
		if err != nil || len(devices) != 1 || devices[0].ID != id || strings.Contains(devices[0].String(), id) {
			t.Errorf("%.20s: %v, %v", id, devices, err)
		}
		if n, err := d.Remove(t.Context(), push.Device{User: anna, ID: id}); n != 1 || err != nil {
			t.Errorf("%.20s: removed %d, %v", id, n, err)
		}
	}
}
