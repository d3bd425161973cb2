package queue_test

import (
	"context"
	"testing"

	"github.com/pushworker/pushworker/internal/broker/brokertest"
	"github.com/pushworker/pushworker/internal/consumer"
)

// What the broker has queued for a pull when it is stopped is taken by it, and does not
// come again as if a process had ended with it. A machine that is busy for 100 ms may look
// like a broker that has nothing more to send, so one of three rounds is enough.
func TestStoppedPullIsNoDelivery(t *testing.T) {
	t.Parallel()
	const rounds, pulls, each = 3, 50, 200
	r := brokertest.NewRig(t)
	var again [rounds]int
	for round := range rounds {
		r.Publish(t, pulls*each)
		for range pulls {
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := r.Lane.Fresh.Pull(ctx, each, 0, nil, func(m consumer.Message) {
				cancel()
				again[round] += m.Origin().Deliveries - 1
				brokertest.Ack(t, m)
			}); err != nil {
				t.Error(err)
			}
			cancel()
		}
		if again[round] == 0 {
			return
		}
	}
	t.Errorf("in each round messages came again: %d", again)
}
