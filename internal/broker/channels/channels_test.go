package channels_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

const alice, bob = push.Uid(1), push.Uid(2)

// provider has what was subscribed, and by whom.
type provider struct {
	mu   sync.Mutex
	subs map[string]bool // channel/token
	by   map[string]int  // requests of a keeper
}

func (p *provider) channels(who string) *push.Channels {
	return &push.Channels{
		Provider: "fcm", Batch: 1000, Mine: func(push.Device) bool { return true },
		Set: func(_ context.Context, name string, member bool, to []push.Device) ([]push.Target, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.by[who]++
			answers := make([]push.Target, len(to))
			for i, d := range to {
				answers[i] = push.Target{Result: push.ResultAccepted}
				if p.subs[name+"/"+d.Token] = true; !member {
					delete(p.subs, name+"/"+d.Token)
				}
			}
			return answers, nil
		},
	}
}

func (p *provider) has(subs ...string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range subs {
		if !p.subs[s] {
			return false
		}
	}
	return len(p.subs) == len(subs)
}

func (p *provider) asked(who string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.by[who]
}

// rig is a broker with both buckets.
type rig struct {
	broker   *brokertest.Broker
	conn     *broker.Conn
	channels *channels.Directory
	devices  *devices.Directory
	provider *provider
}

func newRig(t *testing.T) *rig {
	t.Helper()
	b := brokertest.Start(t)
	r := &rig{broker: b, conn: b.Connect(t), provider: &provider{subs: make(map[string]bool), by: make(map[string]int)}}
	conn := r.conn
	_, err := devices.Provision(t.Context(), conn, 1)
	if err == nil {
		_, err = channels.Provision(t.Context(), conn, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.channels, r.devices = r.open(t, conn)
	return r
}

func (*rig) open(t *testing.T, conn *broker.Conn) (*channels.Directory, *devices.Directory) {
	t.Helper()
	c, err := channels.Open(t.Context(), conn, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	d, err := devices.Open(t.Context(), conn, devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

// keeper keeps on a connection of its own until the returned function is called, whose
// argument says whether it ends in order.
func (r *rig) keeper(t *testing.T, who string, life time.Duration) (end func(orderly bool)) {
	t.Helper()
	conn := r.broker.Connect(t)
	_, d := r.open(t, conn)
	return r.keep(t, conn, &channel.Keeper{Handler: "fcm", Channels: r.provider.channels(who)}, d, life)
}

// keep has k keep on conn.
func (*rig) keep(t *testing.T, conn *broker.Conn, k *channel.Keeper, d *devices.Directory, life time.Duration) (end func(orderly bool)) {
	t.Helper()
	c, err := channels.Open(t.Context(), conn, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.KeepFor(ctx, k, d, life) }()
	once := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Keep = %v", err)
		}
	})
	t.Cleanup(once)
	return func(orderly bool) {
		if !orderly {
			conn.NATS().Close()
		}
		once()
	}
}

func (r *rig) put(t *testing.T, user push.Uid, id, token string) {
	t.Helper()
	if _, err := r.devices.Put(t.Context(), push.Device{User: user, ID: id, Provider: "fcm", Platform: "android", Token: token}); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) join(t *testing.T, user push.Uid, name string) {
	t.Helper()
	if err := r.channels.Put(t.Context(), channel.Request{User: user, Channel: name}); err != nil {
		t.Fatal(err)
	}
}

func TestChannelRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.channels.Run(ctx) }()
	nc, _ := brokertest.Client(t, r.broker.URL())
	for _, c := range []struct{ what, request, want string }{
		{"put", `{"user":"usrAQAAAAAAAAA","channel":"chnX"}`, `{"ok":true}`},
		{"put", `{"user":1,"channel":"chnX"}`, `{"ok":true}`},
		{"put", `{"user":"1","channel":"chnY"}`, `{"ok":true}`},
		{"ls", `{"user":1}`, `{"ok":true,"channels":["chnX","chnY"]}`},
		{"rm", `{"user":1,"channel":"chnX"}`, `{"ok":true}`},
		{"rm", `{"user":1,"channel":"chnX"}`, `{"ok":true}`},
		{"ls", `{"user":1}`, `{"ok":true,"channels":["chnY"]}`},
		{"rm", `{"user":1}`, `{"ok":true}`},
		{"ls", `{"user":1}`, `{"ok":true,"channels":[]}`},
		{"put", `{"user":1}`, `"code":"invalid"`},
		{"put", `{"user":1,"channel":"grpX"}`, `chnX`},
		{"put", `{"user":1,"channel":7}`, `"code":"malformed"`},
		{"put", `[]`, `"code":"malformed"`},
		{"ls", `{}`, `"code":"invalid"`},
		{"rm", `{}`, `"code":"invalid"`},
	} {
		var m *nats.Msg
		brokertest.Eventually(t, "an answer", func() bool { // the first may come before the service
			var err error
			m, err = nc.Request("push.channels."+c.what, []byte(c.request), brokertest.Deadline)
			return err == nil
		})
		if !strings.Contains(string(m.Data), c.want) {
			t.Errorf("%s %s: %s, want %s", c.what, c.request, m.Data, c.want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNoBucket(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	conn := b.Connect(t)
	if _, err := channels.Open(t.Context(), conn, zerolog.Nop()); !errors.Is(err, channels.ErrNoBucket) {
		t.Errorf("Open = %v, want ErrNoBucket", err)
	}
	if leases, err := channels.Leases(t.Context(), conn); err != nil || len(leases) > 0 {
		t.Errorf("Leases = %v, %v", leases, err)
	}
	if n, err := channels.Members(t.Context(), conn); n > 0 {
		t.Errorf("Members = %d, %v", n, err)
	}
	if _, invalid := errors.AsType[*device.InvalidError](channels.ErrNoBucket); invalid {
		t.Error("a missing bucket is no fault of the request")
	}
}
