package broker_test

import (
	"testing"

	"github.com/pushworker/pushworker/internal/broker"
)

// A history is read to its end, also when the last messages are there no more, as is
// usual in the stream of retries.
func TestHistoryWhoseLastMessageIsGone(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"push.receipts", "receipts"} {
		t.Run(subject, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(topo *broker.Topology) { topo.Subject = subject })
			s, err := r.js.Stream(t.Context(), "PUSH")
			if err != nil {
				t.Fatal(err)
			}
			r.store(t, subject+".x", "1", nil)
			r.publish(t, 3)
			for left, gone := range []uint64{4, 3, 2, 1} {
				if err := s.DeleteMsg(t.Context(), gone); err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, err := range broker.NewHistory(r.conn, "PUSH").Read(t.Context(), broker.Stretch{}) {
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				if want := 3 - left; n != want {
					t.Errorf("after message %d has gone, %d are read, want %d", gone, n, want)
				}
			}
		})
	}
}
