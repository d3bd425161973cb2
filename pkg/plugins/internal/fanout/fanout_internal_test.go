package fanout

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// town is a directory of users with three devices each.
type town map[push.Uid][]push.Device

func newTown(users int) (town, map[push.Uid]push.Recipient) {
	devices, to := make(town), make(map[push.Uid]push.Recipient)
	for u := range push.Uid(users) {
		to[u+1] = push.Recipient{Unread: 1}
		for i := range 3 {
			id := fmt.Sprintf("device-%d-%d", u+1, i)
			devices[u+1] = append(devices[u+1], push.Device{User: u + 1, ID: id, Token: id, Platform: "android"})
		}
	}
	return devices, to
}

// Devices implements [push.Directory].
func (d town) Devices(context.Context, []push.Uid, string) (map[push.Uid][]push.Device, error) {
	return d, nil
}

// Gone implements [push.Directory].
func (town) Gone(context.Context, push.Device, time.Time, string) error { return nil }

// letter is the message of these tests: whom it is for.
type letter string

type letters struct{}

func (letters) Device(d push.Device, _ push.Recipient) letter { return letter(d.Token) }
func (letters) Channel() (letter, bool, error)                { return "", false, nil }
func (letters) Silent(letter, push.Recipient) bool            { return false }

// post is a handler whose transport is ask.
type post struct {
	*Fanout[letter]
	*push.Adapter
	open   atomic.Int64 // requests
	inline letter       // that is answered where it is sent, by a transport that calls back
}

func newPost(t *testing.T, d push.Directory, inFlight int, ask func(context.Context, letter) error) *post {
	t.Helper()
	p := &post{}
	answer := func(ctx context.Context, to letter) line.Answer {
		p.open.Add(1)
		defer p.open.Add(-1)
		if err := ask(ctx, to); err != nil {
			return line.NoAnswer(err)
		}
		return line.Answer{Fate: line.Accepted, Tried: true}
	}
	p.Fanout = New(d, Way[letter]{
		Name: "the post", Line: line.New(line.Options{Name: "the post", InFlight: inFlight, Timeout: time.Hour}),
		Mine:    func(push.Device) bool { return true },
		Text:    func(m letter) ([]byte, error) { return []byte(`"` + m + `"`), nil },
		Prepare: func(*push.Receipt, time.Time) (Renderer[letter], error) { return letters{}, nil },
		Call: func(_ push.Device, m letter) line.Call {
			return line.Call{Key: string(m), Do: func(ctx context.Context, answered func(line.Answer)) {
				if m == p.inline {
					answered(answer(ctx, m))
					return
				}
				go func() { answered(answer(ctx, m)) }()
			}}
		},
	})
	p.Adapter = push.Adapt(func(string) (push.Work, error) {
		return push.Work{Start: p.Start, Weight: Weight, Concurrency: inFlight}, nil
	})
	if err := p.Init(`{"timeout":"1h"}`); err != nil {
		t.Fatal(err)
	}
	return p
}

// Handle is Start, and waits.
func (f *Fanout[M]) Handle(ctx context.Context, r *push.Receipt) error {
	outcome := make(chan error, 1)
	f.Start(ctx, r, func(err error) { outcome <- err })
	return <-outcome
}

func offerTo(a *post, to map[push.Uid]push.Recipient, outcome chan<- error) {
	r := &push.Receipt{To: to, Payload: push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 1}}
	r.OnDone(func(err error) { outcome <- err })
	a.Push() <- r
}

// ends are the times of the next n outcomes.
func ends(t *testing.T, outcome <-chan error, n int) (at []time.Time) {
	t.Helper()
	for range n {
		if err := <-outcome; err != nil {
			t.Error(err)
		}
		at = append(at, time.Now())
	}
	return at
}

// TestFanoutIsBounded: 1,024 receipts to 1,000 users with three devices each, all
// waiting for a provider that does not answer, take the places that there are, and
// neither a goroutine nor memory per target or receipt. Not parallel: it counts the
// process's goroutines.
func TestFanoutIsBounded(t *testing.T) {
	const inFlight, receipts, users = 720, 1024, 1000
	synctest.Test(t, func(t *testing.T) {
		goroutines, memory := runtime.NumGoroutine(), held()
		devices, to := newTown(users)
		p := newPost(t, devices, inFlight, func(ctx context.Context, _ letter) error {
			<-ctx.Done()
			return ctx.Err()
		})
		outcome := make(chan error, receipts)
		for range receipts {
			offerTo(p, to, outcome)
		}
		synctest.Wait()
		if p.open.Load() != inFlight {
			t.Errorf("%d requests are open, want %d", p.open.Load(), inFlight)
		}
		if n := p.crew.used; n > inFlight {
			t.Errorf("%d targets have begun, want %d at most", n, inFlight)
		}
		if n := runtime.NumGoroutine() - goroutines; n > 2*inFlight+50 {
			t.Errorf("%d goroutines for %d requests at once", n, inFlight)
		}
		if mib := (held() - memory) >> 20; mib > 64 {
			t.Errorf("%d MiB are held", mib)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_ = p.Drain(over) // the work is cancelled, as it must be
		for range receipts {
			if err := <-outcome; !errors.Is(err, push.ErrNotStarted) {
				t.Fatalf("outcome is %v, want that it was handed back", err)
			}
		}
		synctest.Wait()
		if p.crew.used != 0 || p.crew.rounds.Len() != 0 || p.open.Load() != 0 {
			t.Errorf("%d helpers, %d receipts and %d places are left", p.crew.used, p.crew.rounds.Len(), p.open.Load())
		}
	})
}

// held is how much heap and stack is in use, in bytes.
func held() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// TestFanoutServesInTurn: a small receipt is served beside larger ones, larger ones
// get on alike, and everybody gets the message once.
func TestFanoutServesInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const inFlight, users = 4, 100
		var mu sync.Mutex
		got := make(map[string]int)
		devices, to := newTown(users)
		p := newPost(t, devices, inFlight, func(_ context.Context, m letter) error {
			mu.Lock()
			got[string(m)]++
			mu.Unlock()
			time.Sleep(time.Second)
			return nil
		})
		large, small := make(chan error, 3), make(chan error, 1)
		for range cap(large) {
			offerTo(p, to, large)
		}
		time.Sleep(30 * time.Second)
		offered := time.Now()
		offerTo(p, map[push.Uid]push.Recipient{1: {}}, small)
		if err := <-small; err != nil || time.Since(offered) > 10*time.Second {
			t.Errorf("the small receipt: %v after %s", err, time.Since(offered))
		}
		if n := len(large); n != 0 {
			t.Errorf("%d of the large ones were done before it", n)
		}
		at := ends(t, large, cap(large)) // there is room for two of them
		if apart := at[1].Sub(at[0]); apart > 10*time.Second {
			t.Errorf("two that began together ended %s apart", apart)
		}
		for token, n := range got {
			want := cap(large)
			if token[:len("device-1-")] == "device-1-" {
				want++
			}
			if n != want {
				t.Errorf("%s was sent to %d times, want %d", token, n, want)
			}
		}
		if took, least := time.Since(offered)+30*time.Second, time.Second*time.Duration(3*3*users/inFlight); len(got) != 3*users || took > least*11/10 {
			t.Errorf("%d devices in %s, want %d in hardly more than %s", len(got), took, 3*users, least)
		}
		p.Stop()
		synctest.Wait()
		if p.crew.used != 0 {
			t.Errorf("%d helpers are left", p.crew.used)
		}
	})
}

// TestFanoutSurvivesPanics: a panic beside one target is that target's failure.
func TestFanoutSurvivesPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		devices, to := newTown(20)
		p := newPost(t, devices, 4, func(_ context.Context, m letter) error {
			if m == "device-7-1" {
				panic("SDK")
			}
			return nil
		})
		p.inline = "device-7-1" // panics where it is called
		outcome := make(chan error, 1)
		offerTo(p, to, outcome)
		err := <-outcome
		part, ok := errors.AsType[*push.Undelivered](err)
		if _, panicked := errors.AsType[*push.PanicError](err); !ok || !panicked || len(part.To) != 1 || len(part.To[7].Devices) != 2 {
			t.Errorf("outcome is %v", err)
		}
		p.Stop()
		synctest.Wait()
		if p.crew.used != 0 || p.open.Load() != 0 {
			t.Errorf("%d helpers and %d places are left", p.crew.used, p.open.Load())
		}
	})
}
