package fcm

import (
	"slices"

	"firebase.google.com/go/v4/messaging"

	"github.com/pushworker/pushworker/pkg/plugins/internal/line"
	"github.com/pushworker/pushworker/pkg/push"
)

// provider is what devices call us. A device that names no provider is ours, too:
// directories of chat servers that know only FCM do not say.
const provider = "fcm"

// target is one device or one channel of a receipt.
type target struct {
	device   push.Device // of a channel: zero
	platform platform
	message  *messaging.Message // of a channel; a device's is made when it is sent
}

// render is the message for t. What it makes is not kept: a receipt may have
// thousands of targets.
func (t *target) render(made *template, r *push.Receipt) *messaging.Message {
	if t.message != nil {
		return t.message
	}
	return made.message(t.device.User, r.To[t.device.User], t.platform, t.device.Token)
}

func (t *target) isChannel() bool { return t.device.User.IsZero() }

// name is the target as a letter may say it, without its token.
func (t *target) name() string {
	if t.isChannel() {
		return "the channel"
	}
	return t.device.String()
}

// targets are whom r remains to be told to. Who needs nothing is noted as skipped:
// a device that has the packet, and a user without any device.
func targets(made *template, r *push.Receipt, devices map[push.Uid][]push.Device, tally *tally) []target {
	all := make([]target, 0, len(r.To)+1)
	tokens := listed(r)
	for user, to := range r.To {
		found := slices.Contains(tally.damaged, user) // and noted
		for _, d := range devices[user] {
			d.User = user
			switch {
			case !isOurs(d):
				continue
			case slices.Contains(to.Devices, d.ID) || tokens[d.Token]:
				tally.skip(d, hasPacket)
			default:
				all = append(all, target{device: d, platform: platformOf(d.Platform)})
			}
			found = true
		}
		if !found {
			tally.skip(push.Device{User: user}, noDevice)
		}
	}
	return appendChannel(all, made, tally)
}

func isOurs(d push.Device) bool {
	return d.Token != "" && (d.Provider == provider || d.Provider == "")
}

// appendChannel adds the receipt's channel, if it has one.
func appendChannel(all []target, made *template, tally *tally) []target {
	message, err := made.channel()
	switch {
	case err != nil:
		tally.note(&target{}, line.Answer{Fate: line.Rejected, Err: err})
	case message != nil:
		all = append(all, target{message: message})
	}
	return all
}

// listed is what the recipients together list in devices, whosever it is. Chat
// servers of Tinode's kind list device tokens there, as the original reads it; an
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
