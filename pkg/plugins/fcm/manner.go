package fcm

import "github.com/pushworker/pushworker/pkg/push"

// manner is how a push comes to its user.
type manner struct {
	// silent is what the data say, as the original does: of every call, too.
	silent bool
	// quiet wakes the app at low priority, and shows and sounds nothing.
	quiet bool
}

// index tells the four manners apart.
func (m manner) index() int {
	i := 0
	if m.silent {
		i = 1
	}
	if m.quiet {
		i += 2
	}
	return i
}

// mannerFor is how the push comes to user. delivered says that he has the message
// on another device already. A call rings all the same, but for who makes it: the
// device in his hand is not the only one that may answer.
func (t *template) mannerFor(user push.Uid, delivered bool) manner {
	has := delivered
	if isRinging(&t.Payload) {
		has = t.From != "" && t.From == user.UserId()
	}
	return manner{silent: delivered || t.isSilent(), quiet: t.isQuiet() || has && t.config.Improvements.Quiet}
}

// isSilent reports whether the data say to everybody that there is nothing to show.
func (t *template) isSilent() bool {
	return t.Payload.Silent || t.What == push.ActRead || t.What == push.ActMsg && (t.Webrtc != "" || t.Replace != "")
}

// isQuiet reports whether the push is no news to anybody.
func (t *template) isQuiet() bool {
	switch {
	case !t.config.Improvements.Quiet:
		return false
	case t.Payload.Silent:
		return true
	case isRinging(&t.Payload), isMissed(&t.Payload): // its replace is that of the call
		return false
	}
	return t.isSilent()
}

// isCall reports whether a message is about a call.
func isCall(p *push.Payload) bool { return p.What == push.ActMsg && p.Webrtc != "" }

// isRinging reports whether a message is of a call that waits for an answer.
func isRinging(p *push.Payload) bool { return isCall(p) && p.Webrtc == "started" }

// isMissed reports whether a message is of a call that nobody has answered.
func isMissed(p *push.Payload) bool { return isCall(p) && p.Webrtc == "missed" }
