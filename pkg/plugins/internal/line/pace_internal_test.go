package line

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// tick waits for the next send.
func tick(ctx context.Context, p *pace) error {
	if p.enter(time.Now()) {
		return nil
	}
	turn := make(chan error, 1)
	p.wait(ctx, func(err error) { turn <- err })
	return <-turn
}

// TestPace: the ramp rises from a tenth to the whole, and the whole is not passed.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1000, 10*time.Second)
		sent := make([]atomic.Int64, 30)
		start := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for {
					if err := tick(t.Context(), p); err != nil {
						t.Error(err)
					}
					second := int(time.Since(start) / time.Second)
					if second >= len(sent) {
						return
					}
					sent[second].Add(1)
				}
			})
		}
		all.Wait()
		for second := range sent {
			n := int(sent[second].Load())
			want := min(1000, 100+90*second+45)
			if second == 0 {
				want += 100 // the burst
			}
			if n < want*8/10 || n > want*11/10+1 {
				t.Errorf("second %d: %d sent, want about %d", second, n, want)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		for range 200 {
			if err := tick(short, p); err != nil {
				return
			}
		}
		t.Error("waits beyond the context's deadline")
	})
}

// full is a pace past its ramp and its burst.
func full(perSecond float64) *pace {
	p := newPace(perSecond, time.Nanosecond)
	time.Sleep(time.Minute)
	for p.enter(time.Now()) {
	}
	return p
}

// TestPaceGoesInSteps: who waits continues in steps, as many as are due, so that no second has
// more than the rate allows, and none goes by unused.
func TestPaceGoesInSteps(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 50, 9000, 20_000} {
		synctest.Test(t, func(t *testing.T) {
			p := full(float64(rate))
			const seconds = 3
			var sent []time.Duration
			start := time.Now()
			for range seconds * rate {
				p.wait(t.Context(), func(err error) {
					if err != nil {
						t.Error(err)
					}
					sent = append(sent, time.Since(start))
				})
			}
			time.Sleep(seconds*time.Second + stepEvery)
			synctest.Wait()
			if len(sent) != seconds*rate {
				t.Fatalf("%d sent at %d/s, want %d", len(sent), rate, seconds*rate)
			}
			for i, at := range sent {
				due := time.Duration(i+1) * time.Second / time.Duration(rate)
				if early := due - at; early > time.Microsecond {
					t.Fatalf("number %d at %d/s is %s early", i, rate, early)
				}
				if late := at - due; late > stepEvery+time.Microsecond {
					t.Fatalf("number %d at %d/s is %s late", i, rate, late)
				}
			}
			if steps := len(slices.Compact(sent)); steps > int(seconds*time.Second/stepEvery)+1 {
				t.Errorf("%d steps at %d/s", steps, rate)
			}
		})
	}
}

// TestPaceBelowTheRate: who keeps below the rate never waits, and a tenth of a second's
// sends may come at once.
func TestPaceBelowTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := full(1000)
		time.Sleep(time.Second)
		for n := range 100 {
			if !p.enter(time.Now()) {
				t.Fatalf("number %d of a burst waits", n)
			}
		}
		for n := range 1000 {
			time.Sleep(1001 * time.Microsecond)
			if !p.enter(time.Now()) {
				t.Fatalf("number %d waits below the rate", n)
			}
		}
	})
}

// TestPaceIsFair: first come, first served, also when a send is due while others wait.
func TestPaceIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := full(1000)
		var mu sync.Mutex
		var order []int
		continues := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, n)
		}
		for n := range 50 {
			if p.enter(time.Now()) {
				continues(n)
			} else {
				p.wait(t.Context(), func(error) { continues(n) })
			}
			time.Sleep(900 * time.Microsecond)
		}
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if !slices.IsSorted(order) || len(order) != 50 {
			t.Errorf("the order of %d is %v", len(order), order)
		}
	})
}

// root is a context like those of receipts.
type root struct {
	context.Context //nolint:containedctx // as in push.Adapt

	of context.Context //nolint:containedctx // as in push.Adapt
}

func (r root) Root() context.Context { return r.of }

// TestPaceStops: who waits goes back at once when the work stops, or when it has become too
// late since it came, and takes nothing along.
func TestPaceStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := full(10)
		errStop := errors.New("stop")
		stopping, stop := context.WithCancelCause(t.Context())
		later, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		stopped, late, sent := errors.ErrUnsupported, errors.ErrUnsupported, errors.ErrUnsupported
		p.wait(root{t.Context(), stopping}, func(err error) { stopped = err })
		p.wait(root{later, t.Context()}, func(err error) { late = err })
		p.wait(t.Context(), func(err error) { sent = err })
		stop(errStop)
		synctest.Wait()
		if !errors.Is(stopped, errStop) {
			t.Errorf("outcome of what was stopped is %v", stopped)
		}
		p.limiter.SetLimit(0.5) // as an outage has it
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if !errors.Is(late, errTooLate) || sent != nil {
			t.Errorf("outcomes are %v of what was too late, and %v of what was not", late, sent)
		}
		if p.waiting.list.Len() != 0 || p.stepping {
			t.Errorf("%d wait, stepping is %t", p.waiting.list.Len(), p.stepping)
		}
	})
}
