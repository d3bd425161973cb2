package replay

import "github.com/pushworker/pushworker/pkg/push"

// Filter chooses receipts. A zero value chooses all.
type Filter struct {
	// User is one of those addressed.
	User push.Uid
	// Topic is the conversation, or the channel that is addressed.
	Topic string
	// What is the action, such as [push.ActMsg].
	What string
}

// Matches reports whether f chooses r.
func (f Filter) Matches(r *push.Receipt) bool {
	if _, addressed := r.To[f.User]; !addressed && f.User != 0 {
		return false
	}
	if f.Topic != "" && f.Topic != r.Payload.Topic && f.Topic != r.Channel {
		return false
	}
	return f.What == "" || f.What == r.Payload.What
}
