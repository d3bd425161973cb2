package fanout

import (
	"slices"
	"sync/atomic"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// target is one device or one channel of a receipt.
type target[M any] struct {
	device  push.Device // of a channel: zero
	made    bool        // message is: that of a channel; a device's is made when it is sent
	message M
	devices []push.Device // of a request for several, instead of device
	alone   bool          // it has no place of the crew's
	over    atomic.Bool   // it is settled
	handed  atomic.Bool   // one of who began it and who settles it is done with it
}

// render is the message for t. What it makes is not kept: a receipt may have
// thousands of targets.
func (t *target[M]) render(by Renderer[M], r *push.Receipt) M {
	if t.made {
		return t.message
	}
	return by.Device(t.device, r.To[t.device.User])
}

func (t *target[M]) isChannel() bool { return isChannel(t.device) }

func isChannel(d push.Device) bool { return d.User.IsZero() }

// name is a target as a letter may say it, without its token.
func name(d push.Device) string {
	if isChannel(d) {
		return "the channel"
	}
	return d.String()
}

// handOver is called by who began the target and by who settles it, and reports
// whether the other has called it before.
func (t *target[M]) handOver() bool { return t.handed.Swap(true) }

// targets are whom r remains to be told to. Who needs nothing is noted as skipped:
// a device that has the packet, and a user without any device. No targets, and set aside,
// are users whose devices other handlers reach, and tokens of a kind that r is not for.
func (f *Fanout[M]) targets(made Renderer[M], r *push.Receipt, devices map[push.Uid][]push.Device, tally *tally) []target[M] {
	all := make([]target[M], 0, len(r.To)+1)
	tokens := listed(r)
	chooser, _ := made.(Chooser)
	for user, to := range r.To {
		found := slices.Contains(tally.damaged, user) // and noted
		has, registered := devices[user]
		others := registered && len(has) == 0 // which the directory has left out
		for _, d := range has {
			d.User = user
			switch {
			case d.Token == "":
				continue
			case !f.reaches(d):
				others = true
				continue
			case Named(to.Devices, d) || tokens[d.Token]:
				tally.skip(d, hasPacket)
			case tally.spare(d, skip(chooser, d, to, has)):
			default:
				all = append(all, target[M]{device: d})
			}
			found = true
		}
		switch {
		case found:
		case others:
			tally.setAside(push.Device{User: user}, "the user has no device that this handler reaches")
		default:
			tally.skip(push.Device{User: user}, "the user has no device")
		}
	}
	return appendChannel(all, made, tally)
}

// skip says why by has nothing for d; empty when it has.
func skip(by Chooser, d push.Device, to push.Recipient, all []push.Device) (why string) {
	if by == nil {
		return ""
	}
	return by.Skip(d, to, all)
}

// appendChannel adds the receipt's channel, if it has one.
func appendChannel[M any](all []target[M], made Renderer[M], tally *tally) []target[M] {
	message, ok, err := made.Channel()
	switch {
	case err != nil:
		tally.note(push.Device{}, line.Answer{Fate: line.Rejected, Err: err})
	case ok:
		all = append(all, target[M]{message: message, made: true})
	}
	return all
}

// listed is what the recipients together list in devices, whosever it is. Chat
// servers of Tinode's kind list device tokens there, as Tinode reads it; an
// id means a device of its own user only, because two users may each have a phone.
func listed(r *push.Receipt) map[string]bool {
	var all map[string]bool
	for _, to := range r.To {
		for _, token := range to.Devices {
			if all == nil {
				all = make(map[string]bool)
			}
			all[token] = true
		}
	}
	return all
}
