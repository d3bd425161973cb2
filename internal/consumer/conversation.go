package consumer

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/pushworker/pushworker/pkg/push"
)

// conversation is a topic as its name goes, from which follows what each user calls
// it.
type conversation struct {
	seed maphash.Seed
	name uint64   // hash of the name
	a, b push.Uid // the two users of a p2p topic; of a "usr…" topic a is that user
}

func newConversation(seed maphash.Seed, topic string) conversation {
	c := conversation{seed: seed}
	switch {
	case strings.HasPrefix(topic, "p2p"):
		c.a, c.b, _ = push.ParseP2P(topic)
	case strings.HasPrefix(topic, "usr"):
		c.a = push.ParseUserId(topic) // zero for what is no id: a name like others
	case strings.HasPrefix(topic, "chn"): // a channel is a view of its group
		topic = "grp" + topic[len("chn"):]
	}
	c.name = maphash.String(seed, topic)
	return c
}

// of is the key of user's pushes in the conversation: the same for all names that it
// has for user.
func (c conversation) of(user push.Uid) uint64 {
	if peer := c.peer(user); !peer.IsZero() {
		return maphash.Comparable(c.seed, [2]push.Uid{user, peer})
	}
	return maphash.Comparable(c.seed, [2]uint64{uint64(user), c.name})
}

// peer is whom user talks to, or zero.
func (c conversation) peer(user push.Uid) push.Uid {
	switch user {
	case c.a:
		return c.b
	case c.b:
		return c.a
	}
	if c.b.IsZero() {
		return c.a
	}
	return 0
}

// known reports whether the name says which conversation of user's it is. The
// original calls the topic of a read p2p conversation by the reader's own name.
func (c conversation) known(user push.Uid) bool {
	return c.a != user || !c.b.IsZero()
}

// keys appends those of everybody whom r addresses.
func (c conversation) keys(keys []uint64, r *push.Receipt) []uint64 {
	keys = slices.Grow(keys, targets(r.To, r.Channel))
	for user := range r.To {
		keys = append(keys, c.of(user))
	}
	if r.Channel != "" {
		keys = append(keys, c.name)
	}
	return keys
}
