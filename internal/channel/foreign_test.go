package channel_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pushworker/pushworker/internal/channel"
	"github.com/pushworker/pushworker/internal/device"
	"github.com/pushworker/pushworker/pkg/push"
)

var (
	_ channel.Claims  = (*device.Directory)(nil)
	_ channel.Devices = (*device.Foreign)(nil)
)

// A chat server cannot be asked whose a token is. So when it says in two parts that a token
// has moved, the second must not take from the new holder what the first has brought.
func TestTokenMovesInTwoParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := moving(t, 0)
		k, stop := w.keeper(t)
		defer stop()
		settle()
		w.wants(t, "chnBoth/t")
		w.lists.to(nil) // the chat server says nothing by itself
		w.put(t, bob, "phone", "t")
		k.Changed(bob, 0, 0)
		settle()
		w.wants(t, "chnBoth/t")
		k.Changed(alice, 0, 0)
		settle()
		w.wants(t, "chnBoth/t")
		w.leave(t, bob, "chnBoth")
		settle()
		w.wants(t)
	})
}

// What a keeper does not know by itself, because another has asked for it, the records say.
func TestTokenMovesWhileAKeeperFollows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := moving(t, 700) // so that alice and bob are not in one round
		k, stop := w.keeper(t)
		settle()
		w.lists.to(nil)
		w.put(t, bob, "phone", "t")
		k.Changed(bob, 0, 0)
		settle()
		stop()
		_, stop = w.keeper(t)
		defer stop()
		settle()
		w.wants(t, "chnBoth/t")
	})
}

// A chat server that does not say what changes is asked again.
func TestUntoldChangesAreFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := moving(t, 0)
		_, stop := w.keeper(t)
		defer stop()
		settle()
		w.lists.to(nil)
		w.put(t, bob, "tablet", "t2")
		for range 16 {
			settle() // a minute
		}
		w.wants(t, "chnBoth/t", "chnBoth/t2")
	})
}

// moving is a world of a chat server, in which alice has the token. Both users are in a
// channel, and between them are so many others.
func moving(t *testing.T, others int) *world {
	t.Helper()
	w := newWorld()
	w.foreign = true
	w.join(t, alice, "chnBoth")
	for i := range others {
		w.join(t, carol+push.Uid(i), "chnBoth")
	}
	w.join(t, bob, "chnBoth")
	w.put(t, alice, "phone", "t")
	return w
}

// What is said of a user in the middle of a round about the same user is not taken for
// what the round has seen.
func TestChangeDuringARound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := moving(t, 0)
		said := make(chan struct{})
		var once sync.Once
		var k *channel.Keeper
		w.provider.asked = func(string, bool) {
			once.Do(func() {
				<-said
				w.put(t, bob, "phone", "b")
				k.Changed(bob, 0, 0)
			})
		}
		keeper, stop := w.keeper(t)
		defer stop()
		w.lists.to(nil)
		k = keeper
		close(said)
		settle()
		w.wants(t, "chnBoth/b", "chnBoth/t")
	})
}
