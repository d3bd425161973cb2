package devices

import (
	"context"
	"time"

	"github.com/pushworker/pushworker/internal/broker/requests"
	"github.com/pushworker/pushworker/internal/broker/wire"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

// service answers requests on push.devices.*. Each request is one device as JSON, as a
// line of an import.
type service struct{ devices *Directory }

// answer is what a request gets.
type answer struct {
	requests.Answer

	// Devices answers ls.
	Devices *[]listed `json:"devices,omitempty"`
	// Tests answers test.
	Tests []*Trial `json:"tests,omitempty"`
}

// listed is a device without its token.
type listed struct {
	ID         string       `json:"id"`
	Provider   string       `json:"provider"`
	Platform   string       `json:"platform"`
	App        string       `json:"app,omitempty"`
	Kind       string       `json:"kind,omitempty"`
	Env        string       `json:"env,omitempty"`
	Lang       string       `json:"lang,omitempty"`
	Activated  bool         `json:"activated,omitempty"`
	Failing    push.Failing `json:"failing,omitzero"`
	Registered time.Time    `json:"registered,omitzero"`
	TokenHash  string       `json:"token_hash"`
}

// webPush is the provider whose devices may have to be activated.
const webPush = "webpush"

// request is what one subject does.
type request func(context.Context, push.Device) (answer, error)

// do reads the device.
func (r request) do(ctx context.Context, text []byte) (any, error) {
	d, err := device.ParseLine(text)
	if err != nil {
		return nil, &requests.MalformedError{Err: err}
	}
	a, err := r(ctx, d)
	a.OK = err == nil
	return a, err
}

// serve answers requests until ctx ends.
func (d *Directory) serve(ctx context.Context) error {
	s := &service{d}
	return requests.Serve(ctx, d.conn, requests.Service{ //nolint:wrapcheck // it says all
		Name: "pushworker-devices", Description: "registers, lists and removes the devices that pushes are sent to", Prefix: wire.DeviceRequests, Log: d.log,
		Endpoints: map[string]requests.Do{
			"put": request(s.put).do, "ls": request(s.list).do, "rm": request(s.remove).do, "test": request(s.test).do, "ack": request(s.returned).do,
		},
	})
}

func (s *service) put(ctx context.Context, d push.Device) (answer, error) {
	_, err := s.devices.Put(ctx, d)
	if err == nil && d.Provider == webPush {
		s.devices.activateSoon(ctx, d.User, d.ID)
	}
	return answer{}, err
}

func (s *service) remove(ctx context.Context, like push.Device) (answer, error) {
	_, err := s.devices.Remove(ctx, like)
	return answer{}, err
}

func (s *service) list(ctx context.Context, like push.Device) (answer, error) {
	devices, err := s.devices.List(ctx, like.User)
	if err != nil {
		return answer{}, err
	}
	list := make([]listed, len(devices))
	for i, d := range devices {
		list[i] = s.devices.listed(d)
	}
	return answer{Devices: &list}, nil
}

// listed is dev as an answer shows it.
func (d *Directory) listed(dev push.Device) listed {
	e := dev.More()
	return listed{dev.ID, dev.Provider, dev.Platform, e.App, e.Kind, e.Env, dev.Lang, e.Activated, e.Failing, dev.Registered, d.Hash(dev.Token)}
}
