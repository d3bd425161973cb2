package app

import (
	"cmp"
	"strconv"

	"github.com/pushworker/pushworker/internal/cli/terminal"
	"github.com/pushworker/pushworker/pkg/push"
)

// TopicText is a message's conversation and its number in that.
func TopicText(topic, channel string, seq int) string {
	text := cmp.Or(topic, channel)
	if seq != 0 {
		text += " " + strconv.Itoa(seq)
	}
	return text
}

// Addressed says whom a receipt addresses: one user, the number of them, a channel.
func Addressed(to map[push.Uid]push.Recipient, channel string) string {
	switch {
	case len(to) == 1:
		for uid := range to {
			return uid.String()
		}
	case len(to) == 0:
		return terminal.OrDash(terminal.OneLine(channel))
	}
	return strconv.Itoa(len(to)) + " users"
}
