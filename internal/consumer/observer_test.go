package consumer_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/retry"
	"github.com/pushworker/pushworker/pkg/push"
)

// testimony is what an observer was told.
type testimony struct {
	mu  sync.Mutex
	all []consumer.Outcome
}

func (t *testimony) tell(o consumer.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(o.Users)
	slices.Sort(o.Untargeted)
	t.all = append(t.all, o)
}

func (t *testimony) heard() []consumer.Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.all)
}

// TestObserver: who asks for it hears of every door, and of clean acks only who asks
// for those.
func TestObserver(t *testing.T) {
	t.Parallel()
	two := []push.Uid{1000, 1001}
	item := []push.Target{{Channel: "chnX", Result: push.ResultSkipped, Why: "asleep"}}
	shares := []push.Target{item[0], {Device: push.Device{User: 1001, ID: "phone"}, Result: push.ResultAccepted}}
	for name, test := range map[string]struct {
		data  string
		first func(*push.Receipt) error // the outcome of the first attempt; the second succeeds
		clean bool
		want  []consumer.Outcome
	}{
		"clean ack, not asked for": {data: receipt(1, 2), first: func(*push.Receipt) error { return nil }},
		"clean ack": {
			data: receipt(1, 2), first: func(*push.Receipt) error { return nil }, clean: true,
			want: []consumer.Outcome{{Verdict: retry.Ack, Attempts: 1, Users: two, Counts: push.Targets{Accepted: 2}}},
		},
		"ack with a target left out": {
			data: receipt(1, 2), first: func(r *push.Receipt) error {
				r.Tally(push.Targets{Accepted: 1, Skipped: 1})
				r.Itemize(item)
				return nil
			},
			want: []consumer.Outcome{{
				Verdict: retry.Ack, Attempts: 1, Users: two, Counts: push.Targets{Accepted: 1, Skipped: 1}, Targets: item,
			}},
		},
		"ack that leaves one user to others": {
			data: receipt(1, 2), first: func(r *push.Receipt) error {
				r.Tally(push.Targets{Accepted: 1, Skipped: 1})
				r.Itemize(shares)
				return nil
			},
			want: []consumer.Outcome{{
				Verdict: retry.Ack, Attempts: 1, Users: two[1:], Untargeted: two[:1], Counts: push.Targets{Accepted: 1, Skipped: 1}, Targets: shares,
			}},
		},
		"ack that leaves all to others": {
			data: receipt(1, 2), first: func(r *push.Receipt) error {
				r.Tally(push.Targets{})
				r.Itemize([]push.Target{})
				return nil
			}, clean: true,
			want: []consumer.Outcome{{Verdict: retry.Ack, Attempts: 1, Untargeted: two}},
		},
		"tried again": {
			data: receipt(1, 2), first: func(*push.Receipt) error { return push.RetryAfter(errFault, time.Second) }, clean: true,
			want: []consumer.Outcome{
				{Verdict: retry.Redeliver, Attempts: 1, Error: errFault.Error(), Users: two, Counts: push.Targets{Retried: 2}},
				{Verdict: retry.Ack, Attempts: 2, Users: two, Counts: push.Targets{Accepted: 2}},
			},
		},
		"handed back by the handler": {
			data: receipt(1, 2), first: func(*push.Receipt) error { return push.ErrNotStarted },
			want: []consumer.Outcome{
				{Verdict: retry.Redeliver, Error: push.ErrNotStarted.Error(), Users: two, Counts: push.Targets{Retried: 2}},
			},
		},
		"buried": {
			data: receipt(1, 2), first: func(*push.Receipt) error { return push.Permanent(errFault) },
			want: []consumer.Outcome{
				{Verdict: retry.Bury, Attempts: 1, Reason: retry.Rejected, Error: errFault.Error(), Users: two, Counts: push.Targets{Rejected: 2}},
			},
		},
		"expired": {
			data: receipt(1, 2), first: func(*push.Receipt) error { return push.ErrExpired },
			want: []consumer.Outcome{
				{Verdict: retry.Expire, Attempts: 1, Error: push.ErrExpired.Error(), Users: two, Counts: push.Targets{Skipped: 2}},
			},
		},
		"no receipt": {
			data: "]", want: []consumer.Outcome{{Verdict: retry.Bury, Reason: retry.Malformed}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var observer testimony
				attempts := 0
				h := handler(t, 8, 1, func(_ context.Context, r *push.Receipt) error {
					if attempts++; attempts == 1 {
						return test.first(r)
					}
					return nil
				})
				r := start(t, h, func(c *consumer.Config) {
					c.Observer = consumer.Observer{Tell: observer.tell, Clean: test.clean}
				})
				r.fresh.add(test.data, consumer.Origin{}, 0)
				r.settled(time.Minute)
				if err := r.end(); err != nil {
					t.Error(err)
				}
				got := observer.heard()
				for i, o := range got {
					if o.Handler != "fcm" || o.At.IsZero() || o.Origin.RootSeq != 1 || (o.Verdict == retry.Redeliver) != (o.Delay > 0) {
						t.Errorf("outcome %d is %+v", i, o)
					}
				}
				ignore := cmpopts.IgnoreFields(consumer.Outcome{}, "At", "Handler", "Origin", "Delay")
				malformed := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Error" && test.data == "]" }, cmp.Ignore())
				if diff := cmp.Diff(test.want, got, ignore, malformed, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("testimony (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestObserverHearsNoHandBack: what the handler had no room for is no outcome.
func TestObserverHearsNoHandBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var observer testimony
		h := &plain{ch: make(chan *push.Receipt), ready: true} // takes nothing
		r := start(t, h, func(c *consumer.Config) { c.Observer = consumer.Observer{Tell: observer.tell, Clean: true} })
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.until(time.Second, "a drop", func() bool { return len(r.fresh.delays()) > 0 })
		_ = r.end()
		if got := observer.heard(); got != nil {
			t.Errorf("heard %+v", got)
		}
	})
}

// TestObserverOfPlainHandler: who was addressed is read before the receipt is given
// away, because a handler of Tinode's kind may change it at once.
func TestObserverOfPlainHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var observer testimony
		h := &plain{ch: make(chan *push.Receipt, 4), ready: true}
		r := start(t, h, func(c *consumer.Config) { c.Observer = consumer.Observer{Tell: observer.tell, Clean: true} })
		go func() { clear((<-h.ch).To) }()
		r.fresh.add(receipt(1, 2), consumer.Origin{}, 0)
		r.settled(time.Second)
		if err := r.end(); err != nil {
			t.Error(err)
		}
		got := observer.heard()
		if len(got) != 1 || !slices.Equal(got[0].Users, []push.Uid{1000, 1001}) {
			t.Errorf("heard %+v", got)
		}
	})
}

// TestObserverOfUnavailable: an outage is told with the pause that follows.
func TestObserverOfUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var observer testimony
		calls := 0
		h := handler(t, 8, 1, func(context.Context, *push.Receipt) error {
			if calls++; calls == 1 {
				return push.Unavailable(errors.New("credentials expired"))
			}
			return nil
		})
		r := start(t, h, func(c *consumer.Config) { c.Observer = consumer.Observer{Tell: observer.tell} })
		r.fresh.add(receipt(1, 1), consumer.Origin{}, 0)
		r.settled(time.Minute)
		_ = r.end()
		got := observer.heard()
		if len(got) != 1 || got[0].Error != "credentials expired" || got[0].Attempts != 0 || got[0].Delay < time.Second {
			t.Errorf("heard %+v", got)
		}
	})
}
