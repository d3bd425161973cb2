package consumer_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/pkg/push"
)

// hourly is a handler whose notifications go stale after an hour, calls after 30 s.
func hourly(t *testing.T, f func(context.Context, *push.Receipt) error) push.Handler {
	t.Helper()
	h := push.Adapt(func(string) (push.Work, error) {
		return push.Work{Handle: f, TTL: func(r *push.Receipt) time.Duration {
			if r.Payload.Webrtc != "" {
				return 30 * time.Second
			}
			return time.Hour
		}}, nil
	})
	if err := h.Init(`{"buffer":64,"concurrency":4}`); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestWrongClockLosesNothing: what a producer says whose clock is wrong counts from
// its publish; it is counted, and told once a minute.
func TestWrongClockLosesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		off    time.Duration
		webrtc string
	}{
		"local time with a Z": {-7 * time.Hour, ""},
		"call, 31 s behind":   {-31 * time.Second, "started"},
		"a day ahead":         {24 * time.Hour, ""},
		"call, 31 s ahead":    {31 * time.Second, "started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen log
				var told bytes.Buffer
				r := start(t, hourly(t, func(_ context.Context, r *push.Receipt) error {
					seen.note(r)
					return nil
				}), func(c *consumer.Config) { c.Log = zerolog.New(zerolog.SyncWriter(&told)) })
				const n = 100
				for i := range n {
					ts := time.Now().Add(tt.off).UTC().Format(time.RFC3339Nano)
					r.fresh.add(fmt.Sprintf(`{"to":{"1000":{}},"payload":{"what":"msg","seq":%d,"topic":"grp%d","ts":%q,"webrtc":%q}}`, i, i, ts, tt.webrtc),
						consumer.Origin{}, 0)
					<-time.After(900 * time.Millisecond)
				}
				r.settled(time.Minute)
				_ = r.end()
				if got := seen.count(); got != n {
					t.Errorf("%d of %d were delivered", got, n)
				}
				if got := r.metric("receipts_clock_skewed_total"); got != n {
					t.Errorf("%v are counted, want %d", got, n)
				}
				if got := r.metric("producer_clock_skew_seconds"); got != tt.off.Seconds() {
					t.Errorf("the skew is %v s, want %v", got, tt.off)
				}
				if got := strings.Count(told.String(), "producer's clock is wrong"); got != 2 || !strings.Contains(told.String(), tt.off.String()) {
					t.Errorf("%d warnings in 90 s, want 2 that say %s:\n%s", got, tt.off, told.String())
				}
			})
		})
	}
}

// TestPushExpiresCountsForEveryHandler, also for one whose notifications do not go
// stale by themselves; and one that had expired when it came is told.
func TestPushExpiresCountsForEveryHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen log
		var told bytes.Buffer
		r := start(t, handler(t, 8, 1, func(_ context.Context, r *push.Receipt) error {
			seen.note(r)
			return errFault
		}), func(c *consumer.Config) { c.Log = zerolog.New(zerolog.SyncWriter(&told)) })
		at := func(d time.Duration) consumer.Origin {
			return consumer.Origin{RootStream: "PUSH", RootSeq: 1, First: time.Now(), Expires: time.Now().Add(d)}
		}
		r.fresh.add(receipt(1, 1), at(-time.Hour), 0)
		r.settled(time.Second)
		if got := seen.count(); got != 0 {
			t.Errorf("a receipt that had expired was tried %d times", got)
		}
		if !strings.Contains(told.String(), "expired before it was published") {
			t.Errorf("nobody is told:\n%s", told.String())
		}
		r.fresh.add(receipt(2, 1), at(time.Minute), 0)
		r.settled(5 * time.Minute) // and not after 50 attempts
		_ = r.end()
		if got := r.metric("receipts_settled_total", "expire"); got != 2 {
			t.Errorf("%v receipts expired, want 2", got)
		}
		if seen.count() == 0 {
			t.Error("a receipt that had not expired was not tried")
		}
		for _, when := range seen.times() {
			if when.Sub(seen.times()[0]) >= time.Minute {
				t.Errorf("tried %v after it was published, and it expires after 1m", when.Sub(seen.times()[0]))
			}
		}
	})
}

// TestWhatThePublisherHasKept for hours, because the broker was away, is as old as it is:
// what is over is not sent, and nobody's clock is blamed.
func TestWhatThePublisherHasKept(t *testing.T) {
	t.Parallel()
	const kept = 3 * time.Hour
	for name, tt := range map[string]struct {
		webrtc  string
		waited  time.Duration
		expires bool // before the publish, and after the receipt was given to its publisher
		sent    bool
	}{
		"call":                  {webrtc: "started", waited: kept},
		"message":               {waited: kept},
		"message that expires":  {waited: kept, expires: true},
		"message, kept shortly": {waited: 10 * time.Minute, sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen log
				var told bytes.Buffer
				r := start(t, hourly(t, func(_ context.Context, r *push.Receipt) error {
					seen.note(r)
					return nil
				}), func(c *consumer.Config) { c.Log = zerolog.New(zerolog.SyncWriter(&told)) })
				now := time.Now()
				o := consumer.Origin{RootStream: "PUSH", RootSeq: 1, First: now, Waited: tt.waited}
				if tt.expires {
					o.Expires = now.Add(-time.Hour)
				}
				r.fresh.add(fmt.Sprintf(`{"to":{"1000":{}},"payload":{"what":"msg","seq":1,"topic":"grpA","ts":%q,"webrtc":%q}}`,
					now.Add(-tt.waited).UTC().Format(time.RFC3339Nano), tt.webrtc), o, 0)
				r.settled(time.Minute)
				_ = r.end()
				if sent := seen.count() == 1; sent != tt.sent {
					t.Errorf("sent: %t, want %t", sent, tt.sent)
				}
				if expired := r.metric("receipts_settled_total", "expire") == 1; expired == tt.sent {
					t.Errorf("settled as expired: %t", expired)
				}
				if n := r.metric("receipts_clock_skewed_total"); n != 0 || strings.Contains(told.String(), "clock") {
					t.Errorf("a clock is blamed, %v times:\n%s", n, told.String())
				}
			})
		})
	}
}
