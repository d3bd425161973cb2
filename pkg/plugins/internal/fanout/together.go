package fanout

import (
	"slices"
	"time"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// together makes one target of devices with equal messages, as many as one request may go
// to. It renders all messages, which are to be small then, and shared.
func (f *Fanout[M]) together(made Renderer[M], r *push.Receipt, all []target[M]) []target[M] {
	open := make(map[any]*group[M])
	var groups []*group[M]
	for i := range all {
		t := &all[i]
		m := t.render(made, r)
		g := open[m]
		if t.isChannel() || g == nil || len(g.devices) == f.way.Batch || g.room < len(t.device.Token) {
			g = &group[M]{message: m, room: f.way.Room}
			groups = append(groups, g)
			if !t.isChannel() {
				open[m] = g
			}
		}
		g.devices = append(g.devices, t.device)
		g.room -= len(t.device.Token)
	}
	all = make([]target[M], 0, len(groups))
	for _, g := range groups {
		if len(g.devices) == 1 {
			all = append(all, target[M]{device: g.devices[0], made: true, message: g.message})
		} else {
			all = append(all, target[M]{devices: g.devices, made: true, message: g.message})
		}
	}
	return all
}

// group is devices with equal messages.
type group[M any] struct {
	message M
	devices []push.Device
	room    int
}

// sendTogether sends one request for those of the devices that do not rest.
func (j *job[M]) sendTogether(t *target[M], m M, sent time.Time) {
	t.devices = slices.DeleteFunc(t.devices, func(d push.Device) bool {
		a, rests := j.way.Line.Rests(j.way.Call(d, m))
		if rests {
			j.tally.note(d, a)
		}
		return rests
	})
	switch len(t.devices) {
	case 0:
		j.settle(t, line.Answer{}) // which nobody is left to hear
	case 1:
		t.device, t.devices = t.devices[0], nil
		j.start(j.way.Call(t.device, m), t, func(a line.Answer) { j.answered(t, sent, a) })
	default:
		j.start(j.way.Together(t.devices, m), t, func(a line.Answer) { j.answeredTogether(t, sent, a) })
	}
}

// answeredTogether is answered for several devices, whose dead tokens are removed one after
// the other.
func (j *job[M]) answeredTogether(t *target[M], sent time.Time, a line.Answer) {
	if !slices.ContainsFunc(a.Each, func(one line.Answer) bool { return one.Fate == line.Gone }) {
		j.settle(t, a)
		return
	}
	go func() {
		for i := range a.Each {
			if a.Each[i].Fate == line.Gone {
				a.Each[i] = j.forget(j.ctx, t.devices[i], sent, a.Each[i])
			}
		}
		j.settle(t, a)
	}()
}

// said is what a says of the i-th of several devices.
func said(a line.Answer, i int) line.Answer {
	if a.Each != nil {
		return a.Each[i]
	}
	return a
}
