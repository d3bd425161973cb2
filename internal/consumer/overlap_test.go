package consumer_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/push"
)

// watched notes how many of a lane's requests overlap, and how many messages are in its
// hands and on their way to it at most.
type watched struct {
	*memStream

	held          func() int
	overlap, most int
}

func (s *watched) Pull(ctx context.Context, n, bytes int, more consumer.More, take func(consumer.Message)) (int, error) {
	return s.memStream.Pull(ctx, n, bytes, func(left, bytes int) (int, int) {
		n, size := more(left, bytes)
		s.most = max(s.most, s.held()+left+n)
		if n > 0 && left > 0 {
			s.overlap++
		}
		return n, size
	}, take)
}

// TestRequestsOverlap: a lane asks for more while messages are still to come, and never
// for more than it has free slots, however fast the handler is.
func TestRequestsOverlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slots = 48 // of 64, a quarter is for retries
		var source *watched
		r := start(t, handler(t, 64, 64, func(ctx context.Context, _ *push.Receipt) error {
			return sleep.For(ctx, time.Duration(rand.IntN(3))*time.Millisecond)
		}), func(c *consumer.Config) {
			source = &watched{memStream: c.Fresh[0].(*memStream), held: func() int { return 0 }} //nolint:forcetypeassert // of the rig
			c.Fresh = []consumer.Source{source}
		})
		source.held = func() int { return r.lane.State().Held }
		for seq := range 3000 {
			r.fresh.add(bulky(seq, 10), consumer.Origin{}, 0)
			if rand.IntN(5) == 0 {
				<-time.After(time.Millisecond)
			}
		}
		r.settled(time.Minute)
		_ = r.end()
		if source.overlap < 10 {
			t.Errorf("%d requests overlapped", source.overlap)
		}
		if source.most > slots || len(r.fresh.delays()) > 0 {
			t.Errorf("up to %d messages for %d slots, and %d handed back", source.most, slots, len(r.fresh.delays()))
		}
	})
}
