package devices_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// benchUsers is how many users the benchmarks' bucket has, with two devices each.
const benchUsers = 20_000

func benchDevices(b *testing.B, o devices.Options) *devices.Directory {
	b.Helper()
	r := newDeviceRig(b, o)
	nc, js := brokertest.Client(b, r.broker.URL())
	token := strings.Repeat("t", 140)
	for u := range benchUsers {
		list := fmt.Sprintf(`[{"id":"phone","provider":"fcm","platform":"android","token":"%s%d-1","registered":"2026-11-24T08:30:00.123456789Z"},`+
			`{"id":"tablet","provider":"fcm","platform":"ios","token":"%s%d-2","lang":"de","registered":"2026-11-24T08:30:00.123456789Z"}]`, token, u, token, u)
		if err := nc.Publish("$KV.push-devices.user."+push.Uid(u+1).String(), []byte(list)); err != nil {
			b.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		b.Fatal(err)
	}
	brokertest.Eventually(b, "stored", func() bool {
		s, err := js.Stream(b.Context(), "KV_push-devices")
		return err == nil && s.CachedInfo().State.Msgs >= benchUsers
	})
	wantWatching(b, r.broker, r.devices) // has heard of all of them
	return r.devices
}

func randomUsers(n int) []push.Uid {
	users := make([]push.Uid, n)
	for i := range users {
		users[i] = push.Uid(rand.N(benchUsers) + 1)
	}
	return users
}

// BenchmarkDevicesCold asks the broker each time.
func BenchmarkDevicesCold(b *testing.B) {
	d := benchDevices(b, devices.Options{CacheBytes: 1})
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				devicesOf(b, d, randomUsers(n)...)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/user")
		})
	}
	b.Run("users=1 by 512 callers", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(256)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				devicesOf(b, d, randomUsers(1)...)
			}
		})
	})
}

// BenchmarkDevicesCached never asks the broker.
func BenchmarkDevicesCached(b *testing.B) {
	d := benchDevices(b, devices.Options{})
	for _, n := range []int{1, 100, 1000} {
		users := randomUsers(n)
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				devicesOf(b, d, users...)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/user")
		})
	}
}

// BenchmarkAll reads everybody, as device export does.
func BenchmarkAll(b *testing.B) {
	d := benchDevices(b, devices.Options{})
	for b.Loop() {
		n := 0
		for _, err := range d.All(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n < 2*benchUsers {
			b.Fatalf("%d devices, want %d", n, 2*benchUsers)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchUsers), "ns/user")
}

// BenchmarkDevicePut registers new devices, and the same ones again.
func BenchmarkDevicePut(b *testing.B) {
	r := newDeviceRig(b, devices.Options{})
	for _, again := range []bool{false, true} {
		b.Run(fmt.Sprintf("again=%t", again), func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(p *testing.PB) {
				base := rand.Uint64()
				for i := uint64(0); p.Next(); i++ {
					user := push.Uid(base)
					if !again {
						user += push.Uid(i)
					}
					putDevice(b, r.devices, user, user.String())
				}
			})
		})
	}
}
