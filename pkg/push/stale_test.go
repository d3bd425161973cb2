package push_test

import (
	"testing"
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestStale: an event's time counts unless it shows a wrong clock, and the earlier of
// the handler's and the publisher's time counts.
func TestStale(t *testing.T) {
	t.Parallel()
	const never = 0
	published := time.Date(2026, 7, 4, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		ts, expires, ttl time.Duration // after the publish; ts 0 and expires 0 mean none
		call             bool
		waited           time.Duration // by the publisher, before the publish
		want, skew       time.Duration
	}{
		"no time of its own":         {ttl: time.Hour, want: time.Hour},
		"its own time":               {ts: -time.Minute, ttl: time.Hour, want: 59 * time.Minute},
		"just tolerated":             {ts: -2 * time.Minute, ttl: time.Hour, want: 58 * time.Minute},
		"clock seven hours behind":   {ts: -7 * time.Hour, ttl: time.Hour, want: time.Hour, skew: -7 * time.Hour},
		"clock ahead, tolerated":     {ts: time.Minute, ttl: time.Hour, want: time.Hour},
		"clock seven hours ahead":    {ts: 7 * time.Hour, ttl: time.Hour, want: time.Hour, skew: 7 * time.Hour},
		"call":                       {ts: -9 * time.Second, call: true, ttl: 30 * time.Second, want: 21 * time.Second},
		"call, clock 31 s behind":    {ts: -31 * time.Second, call: true, ttl: 30 * time.Second, want: 30 * time.Second, skew: -31 * time.Second},
		"call, clock 11 s ahead":     {ts: 11 * time.Second, call: true, ttl: 30 * time.Second, want: 30 * time.Second, skew: 11 * time.Second},
		"for ever":                   {want: never},
		"for ever, says the handler": {expires: time.Minute, want: time.Minute},
		"publisher is earlier":       {expires: time.Minute, ttl: time.Hour, want: time.Minute},
		"publisher is later":         {expires: 2 * time.Hour, ttl: time.Hour, want: time.Hour},

		"kept for three hours":             {ts: -3 * time.Hour, waited: 3 * time.Hour, ttl: time.Hour, want: -2 * time.Hour},
		"kept, no time of its own":         {waited: 3 * time.Hour, ttl: time.Hour, want: -2 * time.Hour},
		"call, kept for three hours":       {ts: -3*time.Hour - time.Second, waited: 3 * time.Hour, call: true, ttl: 30 * time.Second, want: -3*time.Hour + 29*time.Second},
		"call, kept for 15 s":              {ts: -16 * time.Second, waited: 15 * time.Second, call: true, ttl: 30 * time.Second, want: 14 * time.Second},
		"kept, clock seven hours behind":   {ts: -7*time.Hour - time.Minute, waited: time.Minute, ttl: time.Hour, want: 59 * time.Minute, skew: -7 * time.Hour},
		"kept, clock seven hours ahead":    {ts: 7*time.Hour - time.Minute, waited: time.Minute, ttl: time.Hour, want: 59 * time.Minute, skew: 7 * time.Hour},
		"kept, and happened meanwhile":     {ts: -time.Second, waited: time.Minute, ttl: time.Hour, want: 59 * time.Minute},
		"a wait does not explain a future": {ts: time.Hour, waited: time.Hour, ttl: 2 * time.Hour, want: time.Hour, skew: 2 * time.Hour},
		"a wait below zero":                {ts: -time.Minute, waited: -7 * time.Hour, ttl: time.Hour, want: 59 * time.Minute},
		"expired before it was stored":     {expires: -time.Minute, ttl: time.Hour, want: -time.Minute},
	} {
		r := &push.Receipt{Payload: push.Payload{What: push.ActMsg}}
		if tt.ts != 0 {
			r.Payload.Timestamp = published.Add(tt.ts)
		}
		if tt.call {
			r.Payload.Webrtc = "started"
		}
		own, expires := r.Payload.Timestamp, time.Time{}
		if tt.expires != 0 {
			expires = published.Add(tt.expires)
		}
		r.Stamp(&push.Delivery{Published: published, Waited: tt.waited, Expires: expires})
		want := published.Add(tt.want)
		if tt.want == never {
			want = time.Time{}
		}
		if got := r.Stale(tt.ttl); !got.Equal(want) {
			t.Errorf("%s: stale at %s, want %s", name, got, want)
		}
		if got := r.Skew(); got != tt.skew {
			t.Errorf("%s: skew is %s, want %s", name, got, tt.skew)
		}
		if !own.IsZero() && !r.Payload.Timestamp.Equal(own) {
			t.Errorf("%s: ts has become %s", name, r.Payload.Timestamp)
		}
	}
}

// TestStaleWithoutAQueue: what nobody has stamped has only its own time.
func TestStaleWithoutAQueue(t *testing.T) {
	t.Parallel()
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &push.Receipt{Payload: push.Payload{Timestamp: at}}
	if got := r.Stale(time.Hour); !got.Equal(at.Add(time.Hour)) {
		t.Errorf("stale at %s, want an hour after its own time", got)
	}
	if got := new(push.Receipt).Stale(time.Hour); !got.IsZero() {
		t.Errorf("a receipt without any time is stale at %s", got)
	}
}
