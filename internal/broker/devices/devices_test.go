package devices_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/internal/device/devicetest"
	"github.com/pushworker/pushworker/pkg/push"
)

func TestDevicesAreADirectory(t *testing.T) {
	t.Parallel()
	devicetest.Run(t, func(tb testing.TB) devicetest.Open {
		tb.Helper()
		b := brokertest.Start(tb)
		if _, err := devices.Provision(tb.Context(), b.Connect(tb), 1); err != nil {
			tb.Fatal(err)
		}
		var once sync.Once
		return func(tb testing.TB, onGone func(device.Event)) devicetest.Directory {
			tb.Helper()
			once.Do(func() { hearEvents(tb, b, onGone) })
			return runDevices(tb, b.Connect(tb), devices.Options{Displace: true})
		}
	})
}

// hearEvents passes on what is published of devices.
func hearEvents(tb testing.TB, b *brokertest.Broker, onGone func(device.Event)) {
	tb.Helper()
	nc, _ := brokertest.Client(tb, b.URL())
	_, err := nc.Subscribe("push.events.>", func(m *nats.Msg) {
		var e device.Event
		if err := json.Unmarshal(m.Data, &e); err != nil || m.Subject != "push.events.device_gone" {
			tb.Errorf("event on %s: %s", m.Subject, m.Data)
		}
		onGone(e)
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// runDevices opens the directory and runs it until the test ends.
func runDevices(tb testing.TB, c *broker.Conn, o devices.Options) *devices.Directory {
	tb.Helper()
	d, err := devices.Open(tb.Context(), c, o)
	if err != nil {
		tb.Fatal(err)
	}
	brokertest.Run(tb, d.Run)
	return d
}

// deviceRig is a provisioned broker with a directory that runs.
type deviceRig struct {
	broker  *brokertest.Broker
	conn    *broker.Conn
	devices *devices.Directory
}

func newDeviceRig(tb testing.TB, o devices.Options) *deviceRig {
	tb.Helper()
	r := &deviceRig{broker: brokertest.Start(tb)}
	r.conn = r.broker.Connect(tb)
	if _, err := devices.Provision(tb.Context(), r.conn, 1); err != nil {
		tb.Fatal(err)
	}
	r.devices = runDevices(tb, r.conn, o)
	wantWatching(tb, r.broker, r.devices)
	return r
}

// wantWatching waits until d hears of changes made elsewhere.
func wantWatching(tb testing.TB, b *brokertest.Broker, d *devices.Directory) {
	tb.Helper()
	nc, _ := brokertest.Client(tb, b.URL())
	n := 0
	brokertest.Eventually(tb, "watching", func() bool {
		got := devicesOf(tb, d, watched)[watched] // so that it is in the cache, too
		if n++; n%20 == 1 {
			storeRaw(tb, nc, watched, fmt.Sprintf(`[{"id":"%d","provider":"fcm","platform":"ios","token":"w"}]`, n))
			return false
		}
		return n > 20 && len(got) == 1 && got[0].ID == strconv.Itoa((n-1)/20*20+1)
	})
}

// watched is a user for wantWatching.
const watched push.Uid = 1 << 60

func putDevice(tb testing.TB, d *devices.Directory, user push.Uid, token string) push.Device {
	tb.Helper()
	dev := push.Device{User: user, ID: "phone", Provider: "fcm", Platform: "android", Token: token}
	if stored, err := d.Put(tb.Context(), dev); err != nil || !stored {
		tb.Fatalf("Put = %t, %v", stored, err)
	}
	return dev
}

func devicesOf(tb testing.TB, d *devices.Directory, users ...push.Uid) map[push.Uid][]push.Device {
	tb.Helper()
	found, err := d.Devices(tb.Context(), users, "")
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

func TestThousandUsersCostOneRoundTrip(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	users := make([]push.Uid, 1000)
	for i := range users {
		users[i] = push.Uid(i + 1)
		storeRaw(t, nc, users[i], fmt.Sprintf(`[{"id":"1","provider":"fcm","platform":"ios","token":"t%d"}]`, i))
	}
	wantWatching(t, r.broker, r.devices) // has heard of all of them
	var asked []string
	heard := make(chan string, 100)
	_, err := nc.Subscribe("$JS.API.DIRECT.>", func(m *nats.Msg) { heard <- m.Subject })
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing is asked
		if n := len(devicesOf(t, r.devices, users...)); n != 1000 {
			t.Fatalf("%d of 1000 users found", n)
		}
	}
	devicesOf(t, r.devices, 5000) // one more question, so that all before have been heard
	for range 2 {
		select {
		case s := <-heard:
			asked = append(asked, s)
		case <-time.After(brokertest.Deadline):
			t.Fatalf("asked %v only", asked)
		}
	}
	if len(heard) > 0 {
		t.Errorf("1000 users cost more than one question: %v and %d more", asked, len(heard))
	}
}

// storeRaw stores a user's list as it is.
func storeRaw(tb testing.TB, nc *nats.Conn, user push.Uid, value string) {
	tb.Helper()
	if _, err := nc.Request("$KV.push-devices.user."+user.String(), []byte(value), brokertest.Deadline); err != nil {
		tb.Fatal(err)
	}
}

func TestAnswerThatIsTooBigComesInParts(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	nc, _ := brokertest.Client(t, r.broker.URL())
	// The directory asks for at most 8 MiB at a time.
	list := `[{"id":"1","provider":"fcm","platform":"ios","token":"` + strings.Repeat("x", 900<<10) + `"}]`
	users := make([]push.Uid, 12)
	for i := range users {
		users[i] = push.Uid(i + 1)
		storeRaw(t, nc, users[i], list)
	}
	if n := len(devicesOf(t, r.devices, users...)); n != len(users) {
		t.Errorf("%d of %d users found", n, len(users))
	}
	n := 0
	for _, err := range r.devices.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(users)+1 { // and watched
		t.Errorf("%d of %d users listed", n, len(users)+1)
	}
}

func TestDirectoryOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	p := brokertest.NewProxy(t, r.broker.URL())
	var log brokertest.Log
	far := runDevices(t, connectBy(t, p), devices.Options{CacheTTL: time.Hour, Log: zerolog.New(&log)})
	putDevice(t, r.devices, 1, "x")
	brokertest.Eventually(t, "seen", func() bool { return len(devicesOf(t, far, 1)) == 1 })
	_, js := brokertest.Client(t, r.broker.URL())
	for round := range 3 {
		before := watchers(t, js)
		p.Shut(true)
		putDevice(t, r.devices, 2, strconv.Itoa(round)) // not heard
		token := fmt.Sprint("x", round)
		putDevice(t, r.devices, 1, token)
		p.Shut(false)
		brokertest.Eventually(t, "what was missed is seen in spite of the cache", func() bool {
			found, err := far.Devices(t.Context(), []push.Uid{1}, "")
			return err == nil && len(found[1]) == 1 && found[1][0].Token == token
		})
		brokertest.Eventually(t, "a new watcher, since the old one may have lost something on its way", func() bool {
			for name := range watchers(t, js) {
				if !before[name] {
					return true
				}
			}
			return false
		})
		brokertest.Eventually(t, "changes are heard again", func() bool {
			putDevice(t, r.devices, 3, fmt.Sprintf("y%d-%d", round, time.Now().UnixNano()))
			want := devicesOf(t, r.devices, 3)[3][0].Token
			found, err := far.Devices(t.Context(), []push.Uid{3}, "")
			return err == nil && len(found[3]) == 1 && found[3][0].Token == want
		})
	}
}

// connectBy connects through p.
func connectBy(t *testing.T, p *brokertest.Proxy) *broker.Conn {
	t.Helper()
	c, err := broker.Connect(t.Context(), broker.Options{URL: p.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// watchers are the names of the consumers of the bucket.
func watchers(t *testing.T, js jetstream.JetStream) map[string]bool {
	t.Helper()
	s, err := js.Stream(t.Context(), "KV_push-devices")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	list := s.ConsumerNames(t.Context())
	for name := range list.Name() {
		names[name] = true
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDirectoryOutlivesTheBroker(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{CacheTTL: time.Millisecond})
	putDevice(t, r.devices, 1, "x")
	r.broker.Stop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if found, err := r.devices.Devices(ctx, []push.Uid{1}, ""); err == nil {
		t.Errorf("without a broker: %v", found)
	}
	r.broker.Restart(t)
	brokertest.Eventually(t, "back", func() bool {
		found, err := r.devices.Devices(t.Context(), []push.Uid{1}, "")
		return err == nil && len(found) == 1
	})
}

func TestDevicesWithoutABucketSaySo(t *testing.T) {
	t.Parallel()
	c := brokertest.Start(t).Connect(t)
	_, err := devices.Open(t.Context(), c, devices.Options{})
	brokertest.WantError(t, err, "push-devices", "PUSHWORKER_PROVISION=true")
}

// TestBucketConforms: the bucket keeps what holds for every directory, also while the
// broker is away.
func TestBucketConforms(t *testing.T) {
	t.Parallel()
	devicetest.Conform(t, func(tb testing.TB) devicetest.World {
		tb.Helper()
		b := brokertest.Start(tb)
		if _, err := devices.Provision(tb.Context(), b.Connect(tb), 1); err != nil {
			tb.Fatal(err)
		}
		w := devicetest.OfDirectory(runDevices(tb, b.Connect(tb), devices.Options{}))
		w.Down, w.Up = b.Stop, b.Restart
		return w
	})
}
