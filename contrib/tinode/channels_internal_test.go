package tinode

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tinode/chat/server/store/types"

	client "github.com/pushworker/pushworker/pkg/publisher/devices"
	"github.com/pushworker/pushworker/pkg/push"
)

// workers are those who take wishes, unless they are away.
type workers struct {
	took []string
	away atomic.Bool
	err  error
}

func (w *workers) Subscribe(_ context.Context, user push.Uid, channel string) error {
	return w.take("+" + channel)
}

func (w *workers) Unsubscribe(_ context.Context, user push.Uid, channel string) error {
	return w.take("-" + channel)
}

func (w *workers) take(wish string) error {
	if w.away.Load() {
		return client.ErrSilent
	}
	w.took = append(w.took, wish)
	return w.err
}

func reads(types.Uid) ([]string, error) { return []string{"chnA", "chnB"}, nil }

func TestWishesAreCarriedOutInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(workers)
		w.away.Store(true)
		c := newChannels(w, reads, func(err error) { t.Error(err) })
		c.add(wish{1, "chnC", false})
		c.add(wish{1, "chnC", true})
		c.add(wish{user: 1})
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.took != nil {
			t.Errorf("taken without workers: %v", w.took)
		}
		w.away.Store(false)
		time.Sleep(wishPause)
		synctest.Wait()
		if want := []string{"+chnC", "-chnC", "+chnA", "+chnB"}; !slices.Equal(w.took, want) {
			t.Errorf("took %v, want %v", w.took, want)
		}
		c.stop()
	})
}

func TestWishesThatCannotBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []error
		w := &workers{err: &client.Error{Code: "invalid", Message: "no"}}
		c := newChannels(w, reads, func(err error) { told = append(told, err) })
		c.add(wish{1, "chnA", false})
		synctest.Wait()
		if len(told) != 1 || len(w.took) != 1 {
			t.Errorf("told of %v after %v", told, w.took)
		}
		c.stop()
	})
}

// TestAStopDoesNotWaitForWorkers: what is left is counted.
func TestAStopDoesNotWaitForWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told error
		w := new(workers)
		w.away.Store(true)
		c := newChannels(w, reads, func(err error) { told = errors.Join(told, err) })
		for range 3 {
			c.add(wish{1, "chnA", false})
		}
		began := time.Now()
		c.stop()
		if spent := time.Since(began); spent != channelGrace {
			t.Errorf("stopped after %v", spent)
		}
		if told == nil || told.Error() != "3 channel subscriptions were not carried out since the start" {
			t.Errorf("told of %v", told)
		}
	})
}
