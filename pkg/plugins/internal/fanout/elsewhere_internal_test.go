package fanout

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
)

// TestUserOfOtherHandlersIsNoTarget: a user without any device is skipped, and one whose
// devices are others' is nothing to tell of; who asks for the route is told of both.
func TestUserOfOtherHandlersIsNoTarget(t *testing.T) {
	t.Parallel()
	const mine, others, nobody = push.Uid(1), push.Uid(2), push.Uid(3)
	d := town{mine: {{ID: "phone", Token: "phone"}}, others: {}}
	p := newPost(t, d, 4, func(context.Context, letter) error { return nil })
	defer p.Stop()
	r := &push.Receipt{To: map[push.Uid]push.Recipient{mine: {}, others: {}, nobody: {}}, Payload: push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 1}}
	if err := p.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if told, _ := r.Tallied(); told != (push.Targets{Accepted: 1, Skipped: 1}) {
		t.Errorf("counted are %+v, want one accepted and one skipped", told)
	}
	for _, item := range r.Itemized() {
		if item.Device.User == others || item.Device.User == nobody && item.Why != "the user has no device" {
			t.Errorf("listed is %+v", item)
		}
	}
	whys := make(map[push.Uid]string)
	routes, err := p.Fanout.Route(t.Context(), r)
	for _, one := range routes {
		whys[one.Device.User] = one.Why
	}
	want := map[push.Uid]string{mine: "", others: "the user has no device that this handler reaches", nobody: "the user has no device"}
	if diff := cmp.Diff(want, whys); diff != "" || err != nil {
		t.Errorf("route: %v (-want +got):\n%s", err, diff)
	}
	alone := &push.Receipt{To: map[push.Uid]push.Recipient{others: {}}, Payload: r.Payload}
	if err := p.Handle(t.Context(), alone); err != nil || alone.Itemized() == nil || len(alone.Itemized()) > 0 {
		t.Errorf("to another's user alone: %v, listed are %v, want an empty list", err, alone.Itemized())
	}
}

// picky is a Renderer that spares devices of a kind, and pads, if the user has another one.
type picky struct{ Renderer[letter] }

func (picky) Skip(d push.Device, _ push.Recipient, all []push.Device) string {
	if (d.More().Kind != "" || d.ID == "pad") && len(all) > 1 {
		return "it needs none"
	}
	return ""
}

// TestSparedDevice: a renderer may leave out a device because of the others that the user
// has. It counts as skipped, unless it is a token of a kind: of that only the route tells.
func TestSparedDevice(t *testing.T) {
	t.Parallel()
	const user, lone = push.Uid(1), push.Uid(2)
	voip := push.Device{ID: "phone", Token: "voip", Extra: &push.Extra{Kind: "voip"}}
	d := town{user: {{ID: "phone", Token: "phone"}, voip, {ID: "pad", Token: "pad"}}, lone: {voip}}
	p := newPost(t, d, 4, func(context.Context, letter) error { return nil })
	defer p.Stop()
	prepare := p.way.Prepare
	p.way.Prepare = func(r *push.Receipt, now time.Time) (Renderer[letter], error) {
		made, err := prepare(r, now)
		return picky{made}, err
	}
	r := &push.Receipt{To: map[push.Uid]push.Recipient{user: {}, lone: {}}, Payload: push.Payload{What: push.ActMsg, Topic: "grpOne", SeqId: 1}}
	if err := p.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if told, _ := r.Tallied(); told != (push.Targets{Accepted: 2, Skipped: 1}) {
		t.Errorf("counted are %+v, want two accepted and one skipped", told)
	}
	for _, item := range r.Itemized() {
		if item.Why != "" && item.Device.ID != "pad" {
			t.Errorf("listed is %+v", item)
		}
	}
	routes, err := p.Fanout.Route(t.Context(), r)
	if len(routes) != 4 || err != nil {
		t.Errorf("the route has %d devices, want all 4: %v", len(routes), err)
	}
}
