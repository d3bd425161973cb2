package devices_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestAllGoesOnWhenItsConsumerIsLost: the broker forgets a consumer whose reader pauses,
// and one in memory when it restarts. Every user comes all the same, once.
func TestAllGoesOnWhenItsConsumerIsLost(t *testing.T) {
	t.Parallel()
	const users = 1500
	r := newDeviceRig(t, devices.Options{})
	nc, js := brokertest.Client(t, r.broker.URL())
	fillUsers(t, nc, users)
	stream, err := js.Stream(t.Context(), "KV_push-devices")
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	var seen []push.Uid
	for d, err := range r.devices.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if d.User == watched {
			continue
		}
		if seen = append(seen, d.User); len(seen)%400 == 0 {
			for name := range stream.ConsumerNames(t.Context()).Name() {
				if strings.HasPrefix(name, "scan-") && stream.DeleteConsumer(t.Context(), name) == nil {
					lost++
				}
			}
		}
	}
	if len(seen) != users || !slices.IsSorted(seen) || len(slices.Compact(seen)) != users {
		t.Errorf("%d users came, want each of %d once", len(seen), users)
	}
	if lost == 0 {
		t.Error("no consumer was lost")
	}
}

// TestAllOfNobody: an empty directory is no fault, and a bucket that is gone is one.
func TestAllOfNobody(t *testing.T) {
	t.Parallel()
	r := newDeviceRig(t, devices.Options{})
	if _, err := r.devices.Remove(t.Context(), push.Device{User: watched}); err != nil {
		t.Fatal(err)
	}
	for d, err := range r.devices.All(t.Context()) {
		t.Errorf("%v, %v; want nobody", d, err)
	}
	_, js := brokertest.Client(t, r.broker.URL())
	if err := js.DeleteStream(t.Context(), "KV_push-devices"); err != nil {
		t.Fatal(err)
	}
	var faults []error
	for _, err := range r.devices.All(t.Context()) {
		faults = append(faults, err)
	}
	if len(faults) != 1 || !errors.Is(faults[0], devices.ErrNoBucket) {
		t.Errorf("All = %v, want one ErrNoBucket", faults)
	}
}

// fillUsers gives each of n users a device.
func fillUsers(t *testing.T, nc *nats.Conn, n int) {
	t.Helper()
	for u := range n {
		storeRaw(t, nc, push.Uid(u+1), `[{"id":"phone","provider":"fcm","platform":"android","token":"t`+strconv.Itoa(u)+`"}]`)
	}
}
