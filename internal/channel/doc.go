// Package channel knows which users are in which channels, and has their devices
// subscribed where the provider keeps a channel's subscribers: a receipt's channel then is
// one message to all of them. It keeps two kinds of keys in a [device.Store]:
//
//	member.<uid>              the user's channels, a JSON list: what shall be
//	applied.<handler>.<uid>   what the provider has been told of the user's devices
//
// [Members] writes the first, whoever asks; a [Keeper] the second, one in a cluster for
// each handler (see internal/broker/channels). What shall be follows from the user's
// channels and devices alone. A keeper writes down what it is about to ask for before it
// asks, and what holds when it has been answered, so that whoever follows it, after a
// crash too, knows every subscription that the provider may have.
//
// The package refuses to know how a provider is asked ([push.Channels]), where the keys
// are kept, and who keeps others from keeping at the same time. What is lost at its
// border: what others have subscribed at the provider, it neither sees nor removes.
package channel
