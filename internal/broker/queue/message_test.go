package queue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/pushworker/pushworker/internal/broker/queue"
	"github.com/pushworker/pushworker/internal/consumer"
)

// The subject for an ack, in each of its versions, is read as the client library reads
// it; what it refuses, or reads as zero, is refused.
func TestSubjectForAnAck(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{
		"$JS.ACK.PUSH.fcm.1.17.12.1764374400123456789.0",
		"$JS.ACK.PUSH_RETRY.fcm-retry.4000000000.18446744073.12.1.8",
		"$JS.ACK._.Zk4Dpx.PUSH.fcm.3.17.12.1764374400123456789.0.r4nd0m",
		"$JS.ACK.leaf.Zk4Dpx.PUSH.fcm.3.17.12.1764374400123456789.0",
		"$JS.ACK.leaf.Zk4Dpx.PUSH.fcm.3.17.12.1764374400123456789.0.r4nd0m.more",
		"",
		"_INBOX.x",
		"$JS.ACK.",
		"$JS.NAK.PUSH.fcm.1.17.12.1764374400123456789.0",
		"$JS.ACK.PUSH.fcm.1.17.12.1764374400123456789",
		"$JS.ACK.leaf.PUSH.fcm.1.17.12.1764374400123456789.0",
		"$JS.ACK.PUSH.fcm.one.17.12.1764374400123456789.0",
		"$JS.ACK.PUSH.fcm.1.-17.12.1764374400123456789.0",
		"$JS.ACK.PUSH.fcm.1.17.12.18446744073709551615.0",
		"$JS.ACK.PUSH.fcm.1..12.1764374400123456789.0",
	} {
		got, err := queue.ReadAck(subject)
		want, fault := (&nats.Msg{Reply: subject, Sub: new(nats.Subscription)}).Metadata()
		if err != nil {
			if fault == nil && want.NumDelivered > 0 && want.Sequence.Stream > 0 && want.Timestamp.UnixNano() > 0 {
				t.Errorf("%q is refused: %v", subject, err)
			}
			continue
		}
		if fault != nil {
			t.Errorf("%q is read: %+v; the client library says %v", subject, got, fault)
			continue
		}
		same := consumer.Origin{Stream: want.Stream, Seq: want.Sequence.Stream, Stored: want.Timestamp, Deliveries: int(min(want.NumDelivered, 1<<30))}
		if diff := cmp.Diff(same, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", subject, diff)
		}
	}
}
