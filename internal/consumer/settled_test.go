package consumer_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/consumer"
)

// TestOneOfTwoPullersTakesAMessage: a broker that has forgotten a moment of its past may
// give both pullers of a lane the same message at the same time.
func TestOneOfTwoPullersTakesAMessage(t *testing.T) {
	t.Parallel()
	const messages = 20_000
	begin, stored := consumer.NewSettled(), time.Now()
	var taken, arrived atomic.Int64
	var pullers sync.WaitGroup
	for range 2 {
		pullers.Go(func() {
			for seq := range int64(messages) {
				arrived.Add(1)
				for spins := 1; arrived.Load() < 2*(seq+1); spins++ { // in step with the other
					if spins%1000 == 0 {
						runtime.Gosched()
					}
				}
				if begin(uint64(seq), stored) {
					taken.Add(1)
				}
			}
		})
	}
	pullers.Wait()
	if n := taken.Load(); n != messages {
		t.Errorf("%d messages were taken %d times", messages, n)
	}
}
