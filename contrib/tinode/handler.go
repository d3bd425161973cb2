package tinode

import (
	"encoding/json"
	"fmt"
	"sync/atomic"

	chat "github.com/tinode/chat/server/push"
	"github.com/tinode/chat/server/store"
	"github.com/tinode/chat/server/store/types"

	"github.com/pushworker/pushworker/pkg/push"
)

// name is what an entry of Tinode's section "push" calls the handler.
const name = "pushworker"

func init() { //nolint:gochecknoinits // Tinode's handlers register themselves
	chat.Register(name, new(handler)) //nolint:forbidigo // it is Tinode's registry
}

// handler implements Tinode's push.Handler. It is ready between an Init that enables it
// and Stop.
type handler struct {
	running atomic.Pointer[link]
	devices *devices
}

// Init implements Tinode's push.Handler. The broker need not be there yet. Tinode calls
// it before it takes connections, so that its store of devices can be wrapped; it stays
// wrapped after Stop, when sessions may still use it.
func (h *handler) Init(config json.RawMessage) (bool, error) {
	common, err := push.ParseCommon(string(config))
	if err == nil && !common.Enabled {
		return false, nil
	}
	if h.devices == nil {
		h.devices = newDevices(store.Devices, h.changed)
		store.Devices = h.devices
	}
	l, err := connect(string(config), h.devices)
	if err != nil {
		return false, fmt.Errorf("push handler %s: %w", name, err)
	}
	h.running.Store(l)
	return true, nil
}

// changed is called after Tinode's devices of user have changed.
func (h *handler) changed(user types.Uid, appeared bool) {
	if l := h.running.Load(); l != nil {
		l.changed(user, appeared)
	}
}

// IsReady implements Tinode's push.Handler.
func (h *handler) IsReady() bool { return h.running.Load() != nil }

// Push implements Tinode's push.Handler.
func (h *handler) Push() chan<- *chat.Receipt {
	if l := h.running.Load(); l != nil {
		return l.receipts
	}
	return nil
}

// Channel implements Tinode's push.Handler.
func (h *handler) Channel() chan<- *chat.ChannelReq {
	if l := h.running.Load(); l != nil {
		return l.requests
	}
	return nil
}

// Stop implements Tinode's push.Handler.
func (h *handler) Stop() {
	if l := h.running.Swap(nil); l != nil {
		l.close()
	}
}
