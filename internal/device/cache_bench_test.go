package device_test

import (
	"context"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// phones is a store in which everybody has one device with a token of FCM's length. It
// keeps nothing.
type phones struct{}

func (phones) Read(_ context.Context, keys []string) ([]device.Entry, error) {
	entries := make([]device.Entry, len(keys))
	for i, key := range keys {
		token := key + strings.Repeat("x", 142-len(key))
		entries[i] = device.Entry{Revision: 1, Value: []byte(`[{"id":"phone","provider":"fcm","platform":"android","token":"` +
			token + `","registered":"2026-11-24T08:30:00Z"}]`)}
	}
	return entries, nil
}

func (phones) Write(context.Context, string, []byte, uint64) (uint64, error) {
	return 0, device.ErrConflict
}

func (phones) Scan(context.Context, string) iter.Seq2[device.Keyed, error] {
	return func(func(device.Keyed, error) bool) {}
}

// BenchmarkCachedUser tells what a user with one device costs the cache, and what a
// collection costs that has all of them to walk.
func BenchmarkCachedUser(b *testing.B) {
	const users, each = 200_000, 1000
	for b.Loop() {
		d := device.New(phones{}, device.Options{CacheBytes: 1 << 30, CacheTTL: time.Hour})
		heap := func() (inUse uint64, collection time.Duration) {
			runtime.GC()
			began := time.Now()
			runtime.GC()
			collection = time.Since(began)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc, collection
		}
		before, _ := heap()
		all := make([]push.Uid, each)
		for from := 0; from < users; from += each {
			for i := range all {
				all[i] = push.Uid(from + i + 1)
			}
			if found, err := d.Devices(b.Context(), all, "fcm"); err != nil || len(found) != each {
				b.Fatal(len(found), err)
			}
		}
		after, collection := heap()
		began := time.Now()
		for from := 0; from < users; from += each {
			for i := range all {
				all[i] = push.Uid(from + i + 1)
			}
			_, _ = d.Devices(b.Context(), all, "fcm")
		}
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/users, "ns/look-up")
		b.ReportMetric(float64(after-before)/users, "B/user")
		b.ReportMetric(float64(collection.Milliseconds()), "ms/collection")
		runtime.KeepAlive(d)
	}
}
