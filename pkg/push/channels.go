package push

import "context"

// Channels are what a [Work] brings whose provider keeps the subscribers of channels
// itself, so that a receipt's channel is one message: FCM calls that topics. Nobody
// knows the subscribers but the provider, so each device has to be subscribed.
type Channels struct {
	// Provider is what devices call the handler's type, such as "fcm".
	Provider string
	// Batch is how many devices one Set may be for.
	Batch int
	// Mine reports whether d is one that can be subscribed: one of the handler's.
	Mine func(d Device) bool
	// Set makes one request: it subscribes devices to channel, the name that receipts
	// have, or unsubscribes them if member is false. Of a device that is to be
	// unsubscribed only the Token need be known. It returns what became of each, in their
	// order: [ResultAccepted]; [ResultGone] if the token is dead; [ResultRejected] if the
	// provider will never do it; [ResultRetried] for later. An error says that nothing is
	// known of any of them; [Permanent] that it will never be done. Set ends soon after
	// ctx does. What is done already can be done again.
	Set func(ctx context.Context, channel string, member bool, devices []Device) ([]Target, error)
}

// Channeler is a Handler that may have [Channels].
type Channeler interface {
	Handler
	// Channels is nil when the handler has none.
	Channels() *Channels
}

// Channels implements [Channeler] with Work.Channels.
func (a *Adapter) Channels() *Channels {
	if p := a.pool.Load(); p != nil {
		return p.work.Channels
	}
	return nil
}
