package notice

import "github.com/pushworker/pushworker/pkg/push"

// Manner is how a push comes to its user.
type Manner struct {
	// Silent is what the data say. It is as in Tinode: true of every call, too.
	Silent bool
	// Quiet wakes the app at low priority, and shows and sounds nothing.
	Quiet bool
}

// index tells the four manners apart.
func (m Manner) index() int {
	i := 0
	if m.Silent {
		i = 1
	}
	if m.Quiet {
		i += 2
	}
	return i
}

// mannerFor is how the push comes to user. delivered says that the user already has
// the message on another device. A call rings all the same, except for its caller: the
// callee may answer on any device.
func (t *Template) mannerFor(user push.Uid, delivered bool) Manner {
	has := delivered
	if t.IsRinging() {
		has = t.From != "" && t.From == user.UserId()
	}
	return Manner{Silent: delivered || t.IsSilent(), Quiet: t.isQuiet() || has && t.Settings.Improvements.Quiet}
}

// IsSilent reports whether the data say to everybody that there is nothing to show.
func (t *Template) IsSilent() bool {
	return t.Silent || t.What == push.ActRead || t.What == push.ActMsg && (t.Webrtc != "" || t.Replace != "")
}

// isQuiet reports whether the push is news to nobody.
func (t *Template) isQuiet() bool {
	switch {
	case !t.Settings.Improvements.Quiet:
		return false
	case t.Silent:
		return true
	case t.IsRinging(), t.IsMissed(): // its replace is that of the call
		return false
	}
	return t.IsSilent()
}

// IsCall reports whether a message is about a call.
func (t *Template) IsCall() bool { return isCall(&t.Payload) }

// IsRinging reports whether it is of a call that waits for an answer.
func (t *Template) IsRinging() bool { return isRinging(&t.Payload) }

// RingsFor reports whether it is of a call that rings for user, and not of the user's own.
func (t *Template) RingsFor(user push.Uid) bool {
	return t.IsRinging() && !t.Silent && t.From != user.UserId()
}

// IsMissed reports whether it is of a call that nobody has answered.
func (t *Template) IsMissed() bool { return t.IsCall() && t.Webrtc == "missed" }

func isCall(p *push.Payload) bool { return p.What == push.ActMsg && p.Webrtc != "" }

func isRinging(p *push.Payload) bool { return isCall(p) && p.Webrtc == "started" }
