package devices_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/pkg/push"
)

func provisionDevices(t *testing.T, c *broker.Conn) []topology.Difference {
	t.Helper()
	diffs, err := devices.Provision(t.Context(), c, 1)
	if err != nil {
		t.Fatal(err)
	}
	return diffs
}

func TestDevicesAreABucketAsKVClientsKnowIt(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := b.Connect(t)
	if diffs := provisionDevices(t, c); len(diffs) != 1 || diffs[0].Field != "" || !diffs[0].Updated {
		t.Errorf("the first time: %v", diffs)
	}
	if diffs := provisionDevices(t, c); len(diffs) != 0 {
		t.Errorf("the second time: %v", diffs)
	}
	_, js := brokertest.Client(t, b.URL())
	kv, err := js.KeyValue(t.Context(), "push-devices")
	if err != nil {
		t.Fatal(err)
	}
	status, err := kv.Status(t.Context())
	if err != nil || status.History() != 1 || status.TTL() != 0 {
		t.Errorf("history %d, TTL %s, %v", status.History(), status.TTL(), err)
	}
	d := runDevices(t, c, devices.Options{})
	putDevice(t, d, 1, "x")
	e, err := kv.Get(t.Context(), "user.AQAAAAAAAAA")
	if err != nil || !strings.HasPrefix(string(e.Value()), `[{"id":"phone","provider":"fcm","platform":"android","token":"x","registered":"`) {
		t.Errorf("%v, %v", e, err)
	}
	if _, err := d.Remove(t.Context(), push.Device{User: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(t.Context(), "user.AQAAAAAAAAA"); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("after Remove: %v", err)
	}
	s, err := js.Stream(t.Context(), "KV_push-devices")
	if err != nil {
		t.Fatal(err)
	}
	for _, filter := range []string{"$KV.push-devices.user.*", "$KV.push-devices.token.*"} { // no deletion is kept for ever
		m, err := s.GetLastMsgForSubject(t.Context(), filter)
		if err != nil || m.Header.Get("KV-Operation") != "DEL" || m.Header.Get("Nats-TTL") != "1h" {
			t.Errorf("last of %s: %v, %v", filter, m, err)
		}
	}
	putDevice(t, d, 1, "x")
	if err := kv.Delete(t.Context(), "user.AQAAAAAAAAA"); err != nil {
		t.Fatal(err)
	}
	brokertest.Eventually(t, "that an operator has deleted it", func() bool { return len(devicesOf(t, d, 1)) == 0 })
}

func TestDevicesBucketOfAnotherIsMendedOrRefused(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := b.Connect(t)
	_, js := brokertest.Client(t, b.URL())
	if _, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "push-devices", History: 5, MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	d := runDevices(t, c, devices.Options{})
	dev := putDevice(t, d, 1, "x")
	_, err := d.Remove(t.Context(), dev)
	brokertest.WantError(t, err, "pushworker provision", "--allow-msg-ttl")
	diffs := provisionDevices(t, c)
	fields := map[string]bool{}
	for _, diff := range diffs {
		fields[diff.Field] = diff.Updated
	}
	if len(diffs) != 2 || !fields["allow_msg_ttl"] || !fields["max_msgs_per_subject"] {
		t.Errorf("updated: %v", diffs)
	}
	if _, err := d.Remove(t.Context(), dev); err != nil {
		t.Error(err)
	}
	s, err := js.Stream(t.Context(), "KV_push-devices")
	if err != nil || s.CachedInfo().Config.MaxBytes != 1<<20 {
		t.Errorf("the operator's limit was touched: %v", err)
	}

	if err := js.DeleteKeyValue(t.Context(), "push-devices"); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "push-devices", Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	_, err = devices.Provision(t.Context(), c, 1)
	brokertest.WantError(t, err, "push-devices", "storage", "pushworker device export")
}

func TestMaskOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := b.Connect(t)
	provisionDevices(t, c)
	first, second := runDevices(t, c, devices.Options{}), runDevices(t, b.Connect(t), devices.Options{})
	if first.Hash("x") != second.Hash("x") {
		t.Error("two processes mask a token in two ways")
	}
	_, js := brokertest.Client(t, b.URL())
	kv, err := js.KeyValue(t.Context(), "push-devices")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(t.Context(), "install.mask", "short"); err != nil {
		t.Fatal(err)
	}
	_, err = devices.Open(t.Context(), c, devices.Options{})
	brokertest.WantError(t, err, "install.mask", "delete it")
	if err := kv.Delete(t.Context(), "install.mask"); err != nil {
		t.Fatal(err)
	}
	if third := runDevices(t, c, devices.Options{}); third.Hash("x") == first.Hash("x") {
		t.Error("the mask was deleted and is the same")
	}
}

// deviceWorker may do what a worker needs that does not provision.
func deviceWorker() brokertest.User {
	return brokertest.User{
		Name: "worker",
		Publish: []string{
			"$JS.API.DIRECT.GET.KV_push-devices", "$KV.push-devices.>", "push.events.>",
			"$JS.API.CONSUMER.CREATE.KV_push-devices.>", "$JS.API.CONSUMER.MSG.NEXT.KV_push-devices.*", "_INBOX.>",
		},
		Subscribe: []string{"_INBOX.>", "push.devices.>", "$SRV.>"},
	}
}

func TestDevicesNeedFewPermissions(t *testing.T) {
	t.Parallel()
	all := brokertest.User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}}
	url := brokertest.StartWithUsers(t, all, deviceWorker())
	admin := brokertest.ConnectTo(t, url("admin"), zerolog.Nop())
	provisionDevices(t, admin)
	var log brokertest.Log
	info := zerolog.New(&log).Level(zerolog.InfoLevel)
	d := runDevices(t, brokertest.ConnectTo(t, url("worker"), info), devices.Options{Log: info})
	nc, _ := brokertest.Client(t, url("admin"))
	wantOK(t, nc, "put", `{"user":1,"id":"a","provider":"fcm","token":"x"}`)
	wantOK(t, nc, "put", `{"user":2,"id":"a","provider":"fcm","token":"x"}`)
	other := runDevices(t, admin, devices.Options{})
	devicesOf(t, d, 3)
	putDevice(t, other, 3, "y")
	brokertest.Eventually(t, "a change made elsewhere", func() bool { return len(devicesOf(t, d, 3)) == 1 })
	for _, err := range d.All(t.Context()) {
		if err != nil {
			t.Error(err)
		}
	}
	if log.String() != "" {
		t.Errorf("the log has\n%s", log.String())
	}
}

func TestDevicesWithoutTheRightToWatchWork(t *testing.T) {
	t.Parallel()
	all := brokertest.User{Name: "admin", Publish: []string{">"}, Subscribe: []string{">"}}
	blind := deviceWorker()
	blind.Publish = append(blind.Publish[:3:3], "_INBOX.>")
	url := brokertest.StartWithUsers(t, all, blind)
	admin := brokertest.ConnectTo(t, url("admin"), zerolog.Nop())
	provisionDevices(t, admin)
	var log brokertest.Log
	d := runDevices(t, brokertest.ConnectTo(t, url("worker"), zerolog.Nop()), devices.Options{CacheTTL: 50 * time.Millisecond, Log: zerolog.New(&log)})
	brokertest.Eventually(t, "said", func() bool { return strings.Contains(log.String(), "$JS.API.CONSUMER.CREATE.KV_push-devices") })
	devicesOf(t, d, 1)
	putDevice(t, runDevices(t, admin, devices.Options{}), 1, "x")
	brokertest.Eventually(t, "seen after the cache's time", func() bool { return len(devicesOf(t, d, 1)) == 1 })

	ctx, cancel := context.WithTimeout(t.Context(), brokertest.Deadline)
	defer cancel()
	deaf := blind
	deaf.Name, deaf.Publish = "deaf", []string{"_INBOX.>"}
	url = brokertest.StartWithUsers(t, deaf)
	_, err := devices.Open(ctx, brokertest.ConnectTo(t, url("deaf"), zerolog.Nop()), devices.Options{})
	brokertest.WantError(t, err, "does not permit", "$JS.API.DIRECT.GET.KV_push-devices")
}
