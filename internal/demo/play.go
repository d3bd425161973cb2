package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/letters"
	"github.com/pushworker/pushworker/internal/broker/topology"
	"github.com/pushworker/pushworker/internal/deadletter"
	"github.com/pushworker/pushworker/internal/sleep"
	"github.com/pushworker/pushworker/pkg/publisher"
)

// Play publishes the three receipts to subject, and follows them to their ends in the
// running worker of topology t. It leaves conn open.
func (s *Demo) Play(ctx context.Context, conn *broker.Conn, t topology.Topology, subject string) error {
	pub, err := conn.Publisher(publisher.Config{})
	if err != nil {
		return fmt.Errorf("make a publisher: %w", err)
	}
	for seq := 1; seq <= 3; seq++ {
		s.Tell(seq, "published to %s", subject)
		if _, err := pub.Publish(ctx, Receipt(seq)); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	if err := s.Await(ctx); err != nil {
		return err
	}
	letter, err := firstLetter(ctx, letters.New(conn, t))
	if err != nil {
		return err
	}
	s.Tell(3, "dead letter %d: reason %s, attempts %d, error %q", letter.Seq, letter.Reason, letter.Attempts, letter.Error)
	return pub.Close(ctx)
}

// firstLetter waits for the first dead letter.
func firstLetter(ctx context.Context, reader *letters.Letters) (deadletter.Letter, error) {
	for ctx.Err() == nil {
		for letter, err := range reader.List(ctx, letters.Filter{}) {
			return letter, err
		}
		_ = sleep.For(ctx, 10*time.Millisecond)
	}
	return deadletter.Letter{}, ctx.Err()
}
