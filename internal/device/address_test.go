package device_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// TestTwoSpellingsAreOneDevice: a directory registers the canonical form of an address, so
// that another spelling of it is the same token; what the provider refuses is the device's
// fault, told beside its other faults.
func TestTwoSpellingsAreOneDevice(t *testing.T) {
	t.Parallel()
	d := device.New(&device.Memory{}, device.Options{Address: func(d push.Device) (push.Device, error) {
		if strings.HasPrefix(d.Token, "bad") {
			return d, errors.New("token is none of the provider's")
		}
		d.Token = strings.ToLower(d.Token)
		return d, nil
	}})
	put(t, d, 1, "a", "Token")
	put(t, d, 2, "b", "tOKEN")
	found, err := d.Devices(t.Context(), []push.Uid{1, 2}, "")
	if err != nil || len(found[1]) != 0 || len(found[2]) != 1 || found[2][0].Token != "token" {
		t.Errorf("the directory has %v, %v, want the token with the second user only", found, err)
	}
	_, err = d.Put(t.Context(), push.Device{User: 1, ID: "a", Token: "bad"})
	if _, ok := errors.AsType[*device.InvalidError](err); !ok || !strings.Contains(err.Error(), "none of the provider's") || !strings.Contains(err.Error(), "provider is missing") {
		t.Errorf("a device with two faults: %v", err)
	}
	if n, err := d.Remove(t.Context(), push.Device{User: 2, Token: "TOKEN"}); n != 1 || err != nil {
		t.Errorf("Remove by another spelling of the token = %d, %v, want 1", n, err)
	}
	i := &device.Import{Address: d.Address, Put: func(context.Context, push.Device) (bool, error) { return true, nil }, Invalid: func(int, error) {}}
	if err := i.Run(t.Context(), strings.NewReader(`{"user":"1","id":"a","provider":"fcm","token":"bad"}`+"\n"+importLine(1, 1))); err != nil || i.Faults != 1 || i.Stored() != 1 {
		t.Errorf("an import has %d faults and stored %d, %v; want 1 and 1", i.Faults, i.Stored(), err)
	}
}

// TestRefusedAddressIsRemoved: an address that would not be registered any more still is
// that of the device that has it.
func TestRefusedAddressIsRemoved(t *testing.T) {
	t.Parallel()
	refuses := false
	d := device.New(&device.Memory{}, device.Options{Address: func(d push.Device) (push.Device, error) {
		d.Token = strings.ToLower(d.Token)
		if refuses {
			return d, errors.New("token is of a server that is not admitted")
		}
		return d, nil
	}})
	put(t, d, 1, "a", "Token")
	put(t, d, 1, "b", "Other")
	refuses = true
	if n, err := d.Remove(t.Context(), push.Device{User: 1, Token: "TOKEN"}); n != 1 || err != nil {
		t.Errorf("Remove = %d, %v, want 1", n, err)
	}
}
