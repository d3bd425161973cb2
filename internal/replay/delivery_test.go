package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/internal/replay"
	"github.com/pushworker/pushworker/pkg/push"
)

// provider is what a handler of a test sends to.
type provider struct {
	mu   sync.Mutex
	sent []int
	// answer says what becomes of the receipt with that number.
	answer func(ctx context.Context, seq int) error
	ttl    time.Duration
}

func (p *provider) handler(t *testing.T, config string) push.Handler {
	t.Helper()
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{
			Handle: func(ctx context.Context, r *push.Receipt) error {
				if err := p.answer(ctx, r.Payload.SeqId); err != nil {
					return err
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				p.sent = append(p.sent, r.Payload.SeqId)
				return nil
			},
			TTL: func(*push.Receipt) time.Duration { return p.ttl },
		}, nil
	})
	if err := h.Init(config); err != nil {
		t.Fatal(err)
	}
	return h
}

// delivered runs a replay of 1 to last through the provider.
func (p *provider) deliver(t *testing.T, ctx context.Context, from replay.Position, before replay.Tally, last uint64) (replay.Position, replay.Tally, []uint64, error) { //nolint:revive // t first, as everywhere
	t.Helper()
	var failed []uint64
	d := replay.NewDelivery(p.handler(t, `{"concurrency":4}`), time.Second, func(seq uint64, _ error) { failed = append(failed, seq) })
	r := &replay.Replay{Sink: d, From: from, Before: before}
	at, tally, err := r.Run(ctx, stored(from.Start(), last, nil))
	slices.Sort(failed)
	return at, tally, failed, err
}

func TestDeliveryCountsOutcomes(t *testing.T) {
	t.Parallel()
	p := &provider{answer: func(_ context.Context, seq int) error {
		switch seq {
		case 2:
			return errors.New("503")
		case 3:
			return push.Permanent(errors.New("400"))
		case 4:
			return push.ErrExpired
		case 5:
			return &push.Undelivered{Err: errors.New("half of it")}
		case 6:
			panic("six")
		}
		return nil
	}}
	at, tally, failed, err := p.deliver(t, t.Context(), replay.Position{Next: 1}, replay.Tally{}, 8)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(replay.Tally{Read: 8, Matched: 8, Sent: 3, Failed: 4, Expired: 1, Accepted: 3}, tally); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint64{2, 3, 5, 6}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(replay.Position{Next: 9}, at); diff != "" {
		t.Errorf("position (-want +got):\n%s", diff)
	}
}

// What the handler sends to nobody is not delivered, and everybody who is told of a
// receipt gets the counts of its targets.
func TestDeliveryTellsWhatReachedNobody(t *testing.T) {
	t.Parallel()
	counts := map[int]push.Targets{1: {Accepted: 2}, 2: {Skipped: 1}, 3: {Gone: 1}, 4: {Accepted: 1, Retried: 1}}
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: func(_ context.Context, r *push.Receipt) error {
			r.Tally(counts[r.Payload.SeqId])
			if counts[r.Payload.SeqId].Retried > 0 {
				return &push.Undelivered{Err: errors.New("half of it")}
			}
			return nil
		}}, nil
	})
	if err := h.Init(""); err != nil {
		t.Fatal(err)
	}
	d := replay.NewDelivery(h, time.Second, func(uint64, error) {})
	told := make(map[int]push.Targets)
	d.Tell = func(o replay.Outcome) { told[int(o.Seq)] = o.Counts }
	_, tally, err := (&replay.Replay{Sink: d, From: replay.Position{Next: 1}}).Run(t.Context(), stored(1, 4, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(replay.Tally{Read: 4, Matched: 4, Sent: 1, Unsent: 2, Failed: 1, Accepted: 3}, tally); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(counts, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A receipt without a time has that at which it was stored, less what its publisher had
// to wait, as at its lane.
func TestDeliveryStampsReceipts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 2, 0, 0, 123456789, time.FixedZone("", 3600))
	own := time.Date(2020, 1, 2, 3, 4, 5, 123456000, time.UTC)
	h := seedHandler{in: make(chan *push.Receipt, 3)}
	r := &replay.Replay{Sink: replay.NewDelivery(h, time.Second, func(uint64, error) {})}
	_, _, err := r.Run(t.Context(), func(yield func(replay.Stored, error) bool) {
		_ = yield(replay.Stored{Seq: 1, Time: at, Data: []byte(`{"payload":{"what":"msg"}}`)}, nil) &&
			yield(replay.Stored{Seq: 2, Time: at, Data: []byte(`{"payload":{"ts":"2020-01-02T03:04:05.123456Z"}}`)}, nil) &&
			yield(replay.Stored{Seq: 3, Time: at, Waited: time.Hour, Data: []byte(`{"payload":{"what":"msg"}}`)}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []time.Time{at.UTC().Truncate(time.Millisecond), own, at.Add(-time.Hour).UTC().Truncate(time.Millisecond)} {
		if got := (<-h.in).Payload.Timestamp; got != want {
			t.Errorf("the receipt has the time %s, want %s", got, want)
		}
	}
}

// Whatever the order in which receipts finish, and whatever is interrupted: the second
// run sends exactly what the first did not.
func TestInterruptedDeliverySendsEachOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := &provider{answer: func(ctx context.Context, seq int) error {
			if seq == 20 {
				cancel()
			}
			if seq%10 == 3 && context.Cause(ctx) == nil { // hangs, while those after it go on
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}}
		at, tally, _, err := p.deliver(t, ctx, replay.Position{Next: 1}, replay.Tally{}, 40)
		if !errors.Is(err, replay.ErrInterrupted) {
			t.Fatalf("Run = %v, want ErrInterrupted", err)
		}
		if at.Start() > 3 || len(p.sent) < 10 || int64(len(p.sent)) != tally.Sent || tally.Matched != tally.Sent {
			t.Fatalf("at %+v, %+v, sent %v", at, tally, p.sent)
		}
		p.answer = func(context.Context, int) error { return nil }
		at, tally, _, err = p.deliver(t, t.Context(), at, tally, 40)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]int, 40)
		for i := range want {
			want[i] = i + 1
		}
		slices.Sort(p.sent)
		if diff := cmp.Diff(want, p.sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(replay.Tally{Read: 40, Matched: 40, Sent: 40, Accepted: 40}, tally); diff != "" {
			t.Errorf("tally (-want +got):\n%s", diff)
		}
		if at.Start() != 41 {
			t.Errorf("the end is at %+v", at)
		}
	})
}

// One that is interrupted before it comes to what is open does not forget it.
func TestDeliveryInterruptedTwiceForgetsNothing(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	p := &provider{answer: func(context.Context, int) error { return nil }}
	from := replay.Position{Next: 9, Open: []uint64{4, 7}}
	before := replay.Tally{Read: 6, Matched: 6, Sent: 6}
	at, tally, _, err := p.deliver(t, over, from, before, 9)
	if !errors.Is(err, replay.ErrInterrupted) {
		t.Fatalf("Run = %v", err)
	}
	if diff := cmp.Diff(from, at); diff != "" {
		t.Errorf("position (-want +got):\n%s", diff)
	}
	at, tally, _, err = p.deliver(t, t.Context(), at, tally, 9)
	slices.Sort(p.sent)
	if err != nil || at.Start() != 10 || tally.Sent != 9 || tally.Read != 9 {
		t.Errorf("at %+v, %+v, %v", at, tally, err)
	}
	if diff := cmp.Diff([]int{4, 7, 9}, p.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// A provider that is down does not fail a hundred thousand receipts.
func TestDeliveryEndsWhenTheProviderIsDown(t *testing.T) {
	t.Parallel()
	const all = 50_000
	down := errors.New("credentials have expired")
	p := &provider{answer: func(_ context.Context, seq int) error {
		if seq >= 5 {
			return push.Unavailable(down)
		}
		return nil
	}}
	at, tally, failed, err := p.deliver(t, t.Context(), replay.Position{Next: 1}, replay.Tally{}, all)
	// One before the fifth may not have been begun when it says so.
	if !errors.Is(err, down) || at.Start() > 5 || tally.Sent != int64(len(p.sent)) || tally.Failed != 0 || failed != nil {
		t.Errorf("at %d, %+v, failed %v, %v", at.Start(), tally, failed, err)
	}
	if at.Next > 20_000 {
		t.Errorf("%d receipts were offered to a provider that is down", at.Next)
	}
	stopped, sent := at, tally
	at, tally, _, err = p.deliver(t, t.Context(), replay.Position{Next: 5}, replay.Tally{}, 5) // the last one
	if !errors.Is(err, down) || at.Start() != 5 || tally.Read != 0 {
		t.Errorf("at %d, %+v, %v", at.Start(), tally, err)
	}
	p.answer = func(context.Context, int) error { return nil }
	_, tally, _, err = p.deliver(t, t.Context(), stopped, sent, all)
	want := make([]int, all)
	for i := range want {
		want[i] = i + 1
	}
	slices.Sort(p.sent)
	if diff := cmp.Diff(want, p.sent); diff != "" || err != nil || tally.Sent != all {
		t.Errorf("%+v, %v; sent (-want +got):\n%s", tally, err, diff)
	}
}

// A device that rests fails its own receipts, and stops nobody else's; what its
// handler has not begun for no reason of its provider's ends the replay.
func TestDeliveryGoesOnBesideADeviceThatRests(t *testing.T) {
	t.Parallel()
	rests := push.RetryAfter(errors.New("429"), time.Minute)
	for name, test := range map[string]struct {
		err  error
		over bool
	}{
		"refused for a time":          {rests, false},
		"rests":                       {fmt.Errorf("%w: %w", push.ErrNotStarted, rests), false},
		"rests in part":               {&push.Undelivered{Err: fmt.Errorf("%w: %w", push.ErrNotStarted, rests)}, false},
		"not started":                 {push.ErrNotStarted, true},
		"not started in part":         {&push.Undelivered{Err: push.ErrNotStarted}, true},
		"unavailable for a time":      {push.Unavailable(rests), true},
		"stopping":                    {fmt.Errorf("cut off: %w", push.ErrStopping), true},
		"not started without a delay": {fmt.Errorf("%w: %w", push.ErrNotStarted, push.RetryAfter(errors.New("?"), 0)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &provider{answer: func(_ context.Context, seq int) error {
				if seq%3 == 0 {
					return test.err
				}
				return nil
			}}
			at, tally, failed, err := p.deliver(t, t.Context(), replay.Position{Next: 1}, replay.Tally{}, 9)
			if test.over {
				if err == nil {
					t.Errorf("at %+v, %+v, want an end", at, tally)
				}
				return
			}
			if diff := cmp.Diff(replay.Tally{Read: 9, Matched: 9, Sent: 6, Failed: 3, Accepted: 6}, tally); diff != "" || err != nil || at.Start() != 10 {
				t.Errorf("at %+v, %v, tally (-want +got):\n%s", at, err, diff)
			}
			if diff := cmp.Diff([]uint64{3, 6, 9}, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeliveryLeavesOutWhatHasExpired(t *testing.T) {
	t.Parallel()
	p := &provider{answer: func(context.Context, int) error { return nil }, ttl: time.Hour}
	h := p.handler(t, "")
	t.Cleanup(h.Stop)
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		stored, event, expires time.Duration // after now; event 0 means unknown, expires 0 never
		want                   bool
		waited                 time.Duration
	}{
		"just stored":                  {-time.Minute, 0, 0, false, 0},
		"stored long ago":              {-time.Hour, 0, 0, true, 0},
		"happened long ago":            {-time.Hour + time.Minute, -time.Hour, 0, true, 0},
		"its clock is an hour behind":  {-time.Minute, -time.Hour, 0, false, 0},
		"happens later than it could":  {-time.Hour, time.Hour, 0, true, 0},
		"expired by its publisher":     {-time.Minute, 0, -time.Second, true, 0},
		"not expired by its publisher": {-time.Minute, 0, time.Second, false, 0},
		"kept long by its publisher":   {-time.Minute, -time.Hour, 0, true, time.Hour - time.Minute},
		"its publisher is generous":    {-time.Hour, 0, time.Hour, true, 0},
	} {
		r, expires := &push.Receipt{}, time.Time{}
		if test.event != 0 {
			r.Payload.Timestamp = now.Add(test.event)
		}
		if test.expires != 0 {
			expires = now.Add(test.expires)
		}
		r.Stamp(&push.Delivery{Published: now.Add(test.stored), Waited: test.waited, Expires: expires})
		if got := replay.Expired(h, r, now); got != test.want {
			t.Errorf("%s: Expired = %t, want %t", name, got, test.want)
		}
	}
	_, tally, _, err := p.deliver(t, t.Context(), replay.Position{Next: 1}, replay.Tally{}, 3) // of the year 1970
	if diff := cmp.Diff(replay.Tally{Read: 3, Matched: 3, Expired: 3}, tally); diff != "" || err != nil {
		t.Errorf("%v, tally (-want +got):\n%s", err, diff)
	}
}

// seedHandler is a handler as in Tinode 0.16, which does not report outcomes.
type seedHandler struct{ in chan *push.Receipt }

func (h seedHandler) Init(string) error          { return nil }
func (h seedHandler) IsReady() bool              { return true }
func (h seedHandler) Push() chan<- *push.Receipt { return h.in }
func (h seedHandler) Stop()                      {}

func TestDeliveryToAHandlerThatReportsNothing(t *testing.T) {
	t.Parallel()
	h := seedHandler{make(chan *push.Receipt, 5)}
	p := &replay.Replay{Sink: replay.NewDelivery(h, time.Second, nil), From: replay.Position{Next: 1}}
	at, tally, err := p.Run(t.Context(), stored(1, 5, nil))
	if err != nil || tally.Sent != 5 || at.Start() != 6 || len(h.in) != 5 {
		t.Errorf("at %d, %+v, %d taken, %v", at.Start(), tally, len(h.in), err)
	}
}

func TestSurveySaysWhatWouldBeSent(t *testing.T) {
	t.Parallel()
	h := seedHandler{}
	v := replay.NewSurvey(h)
	p := &replay.Replay{Sink: v, From: replay.Position{Next: 1}}
	source := func(yield func(replay.Stored, error) bool) {
		channel := replay.Stored{Seq: 4, Data: bytes.ReplaceAll(receipt(4).Data, []byte(`"payload"`), []byte(`"channel":"chnA","payload"`))}
		_ = yield(receipt(2), nil) && yield(receipt(3), nil) && yield(channel, nil)
	}
	if _, _, err := p.Run(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	want := replay.Found{Receipts: 3, Recipients: 3, Channels: 1, First: replay.Stored{Seq: 2, Time: receipt(2).Time}, Last: replay.Stored{Seq: 4}}
	if diff := cmp.Diff(want, v.Found()); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}
