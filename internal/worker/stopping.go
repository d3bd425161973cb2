package worker

import (
	"fmt"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/consumer"
)

// unconfirmed is an error if the broker may not have the acks of receipts, because it
// could not be reached: it will redeliver them, also those that were delivered.
func (w Worker) unconfirmed(conn *broker.Conn, lanes []*consumer.Lane) error {
	held := 0
	for _, lane := range lanes {
		held += lane.HeldAtStop()
	}
	if held > 0 && !conn.Flushed() {
		return fmt.Errorf("%w: the broker did not answer until PUSHWORKER_SHUTDOWN_GRACE (%s) was over, so it may not have the acks of %d receipts; "+
			"it redelivers them after PUSHWORKER_ACK_WAIT (%s)", consumer.ErrUnfinished, w.Config.ShutdownGrace, held, w.Config.AckWait)
	}
	return nil
}
